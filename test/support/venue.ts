/** A venue in this process: a real WebSocket server and its REST interface on one port, which do what a test says. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

import type { Remark } from '#domain/kernel/projection.ts';

/** A connection of a client. */
export interface VenueClient {
  readonly path: string;
  readonly socket: WebSocket;
  /** Comes with the streams it asked for. */
  readonly asked: Promise<readonly string[]>;
  /** Sends a message of a stream. */
  readonly say: (stream: string, payload: string) => void;
}

export interface VenueServer {
  readonly websocketUrl: string;
  readonly restUrl: string;
  /** The next connection nobody has taken yet, in order. */
  readonly next: () => Promise<VenueClient>;
  readonly polls: string[];
  /** What confirms a subscription; undefined for silence. */
  confirm: string | undefined;
  /** How a question for open interest is answered. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}

/** The next of something, whether it was there before it was asked for or not. */
export const queueOf = <Item>(): {
  readonly put: (item: Item) => void;
  readonly next: () => Promise<Item>;
} => {
  const items: Item[] = [];
  const seekers: ((item: Item) => void)[] = [];
  return {
    put: (item) => {
      const seek = seekers.shift();
      if (seek) seek(item);
      else items.push(item);
    },
    next: () => {
      const [item] = items.splice(0, 1);
      return item === undefined ? new Promise((resolve) => seekers.push(resolve)) : Promise.resolve(item);
    },
  };
};

/** Starts a venue that confirms what is asked; it ends with the test. */
export const startVenue = async (): Promise<VenueServer> => {
  const clients = queueOf<VenueClient>();
  const http = createServer((request, response) => {
    venue.polls.push(String(request.url));
    venue.answer(request, response);
  });
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (socket, request) => {
    const asked = new Promise<readonly string[]>((resolve) => {
      socket.on('message', (data: Buffer) => {
        resolve((JSON.parse(data.toString()) as { params: string[] }).params);
        if (venue.confirm !== undefined) socket.send(venue.confirm);
      });
    });
    const say = (stream: string, payload: string): void =>
      socket.send(`{"stream":"${stream}","data":${payload}}`);
    clients.put({ path: String(request.url), socket, asked, say });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const venue: VenueServer = {
    websocketUrl: `ws://127.0.0.1:${port}`,
    restUrl: `http://127.0.0.1:${port}`,
    next: clients.next,
    polls: [],
    confirm: '{"result":null,"id":1}',
    answer: (_request, response) => response.end('{"openInterest":"7","symbol":"BTCUSDT","time":1}'),
  };
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    http.close();
    http.closeAllConnections();
  });
  return venue;
};

/** Remarks as they are told, and waiting for one. */
export interface Told {
  readonly tell: (remarks: readonly Remark[]) => void;
  /** Texts of all lines and metrics. */
  readonly all: string[];
  /** Comes with the first remark, from now on or before, not asked for yet, whose text matches. */
  readonly until: (pattern: RegExp) => Promise<string>;
}

/** Hears remarks. */
export const hearing = (): Told => {
  const all: string[] = [];
  const given = new Set<number>();
  const seekers = new Set<() => void>();
  return {
    all,
    tell: (remarks) => {
      all.push(...remarks.map((remark) => JSON.stringify(remark)));
      for (const seek of seekers) seek();
    },
    until: (pattern) =>
      new Promise((resolve) => {
        const seek = (): void => {
          const index = all.findIndex((text, place) => !given.has(place) && pattern.test(text));
          if (index < 0) return;
          given.add(index);
          seekers.delete(seek);
          resolve(String(all[index]));
        };
        seekers.add(seek);
        seek();
      }),
  };
};
