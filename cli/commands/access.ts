/** `access key|grant|workspace|audit`: who may do what in the workspaces of a tenant (role admin, in all of them). */
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { paint, table } from '#cli/output.ts';

type GetContext = (command: Command) => CommandContext;

const Key = z.object({
  keyId: z.string(),
  name: z.string(),
  role: z.string(),
  workspaces: z.array(z.string()),
  expiresAt: z.string().optional(),
});
const CreatedKey = z.object({ apiKey: Key, secret: z.string().optional() });
const Grant = z.object({
  grantId: z.string(),
  subject: z.string(),
  workspaceId: z.string(),
  role: z.string(),
});
const Workspace = z.object({
  workspaceId: z.string(),
  status: z.string(),
  displayName: z.string().optional(),
});
const AuditPage = z.object({
  requests: z.array(
    z.object({
      at: z.string(),
      actor: z.object({ id: z.string() }),
      operationId: z.string(),
      resource: z.string(),
      status: z.int(),
      code: z.string().optional(),
    }),
  ),
});
const Tenant = z.object({ tenantId: z.string(), workspacePolicy: z.string() });

/** Adds the commands. */
export const addAccessCommands = (program: Command, contextOf: GetContext): void => {
  const access = program.command('access').description('API keys, role grants and workspaces (role admin)');
  addKeyCommands(access, contextOf);
  addGrantCommands(access, contextOf);
  addWorkspaceCommands(access, contextOf);
  access
    .command('audit')
    .description('show who asked for which change and how it was answered, newest first')
    .option('--limit <count>', 'how many, at most 200', '50')
    .action(async ({ limit }: { readonly limit: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('GET', '/v1/audit', { query: { limit } });
      output.result(answer, () => auditTable(AuditPage.parse(answer)));
    });
};

const auditTable = ({ requests }: z.infer<typeof AuditPage>): string =>
  table(
    ['AT', 'WHO', 'OPERATION', 'RESOURCE', 'ANSWER'],
    requests.map(({ at, actor, operationId, resource, status, code }) => [
      at,
      actor.id,
      operationId,
      resource,
      `${status} ${code ?? ''}`.trim(),
    ]),
  );

interface KeyOptions {
  readonly name: string;
  readonly role: string;
  readonly workspace: readonly string[];
  readonly expires?: string;
}

const addKeyCommands = (access: Command, contextOf: GetContext): void => {
  const key = access.command('key').description('API keys of machines');
  key
    .command('create')
    .description('create a key; its secret is printed this once')
    .requiredOption('--name <name>', 'what people call it')
    .requiredOption('--role <role>', 'viewer, operator, approver, developer or admin')
    .requiredOption('--workspace <id...>', 'where it is good; "*" for every workspace')
    .option('--expires <instant>', 'when it ends by itself, for example 2027-01-01T00:00:00Z')
    .action(async (options: KeyOptions, command: Command) => createKey(contextOf(command), options));
  key
    .command('list')
    .description('list the keys that were not revoked')
    .action(async (_options: unknown, command: Command) =>
      list(contextOf(command), {
        path: '/v1/api-keys',
        member: 'apiKeys',
        item: Key,
        header: ['KEY', 'NAME', 'ROLE', 'WORKSPACES', 'EXPIRES'],
        cells: ({ keyId, name, role, workspaces, expiresAt }) => [
          keyId,
          name,
          role,
          workspaces.join(' '),
          expiresAt ?? 'never',
        ],
      }),
    );
  key
    .command('revoke <keyId>')
    .description('revoke a key for good')
    .action(async (keyId: string, _options: unknown, command: Command) =>
      remove(contextOf(command), `/v1/api-keys/${encodeURIComponent(keyId)}`, `revoked ${keyId}`),
    );
};

const createKey = async (
  { client, output }: CommandContext,
  { name, role, workspace, expires }: KeyOptions,
): Promise<void> => {
  const body = {
    name,
    role,
    workspaces: workspace,
    ...(expires === undefined ? {} : { expiresAt: expires }),
  };
  const answer = await client().request('POST', '/v1/api-keys', { body });
  const { apiKey, secret = '' } = CreatedKey.parse(answer);
  output.result(
    answer,
    () => `created ${paint('bold', apiKey.keyId)}; keep its secret, it is shown this once:\n${secret}`,
  );
};

const addGrantCommands = (access: Command, contextOf: GetContext): void => {
  const grant = access.command('grant').description('roles of people beside those of their tokens');
  grant
    .command('add <subject> <role>')
    .description('give a person, by the subject of their token, a role')
    .requiredOption('--workspace <id>', 'where; "*" for every workspace')
    .action(
      async (
        subject: string,
        role: string,
        { workspace }: { readonly workspace: string },
        command: Command,
      ) => {
        const { client, output } = contextOf(command);
        const body = { subject, role, workspaceId: workspace };
        const answer = await client().request('POST', '/v1/role-grants', { body });
        output.result(answer, () => `granted ${paint('bold', Grant.parse(answer).grantId)}`);
      },
    );
  grant
    .command('list')
    .description('list the grants in force')
    .action(async (_options: unknown, command: Command) =>
      list(contextOf(command), {
        path: '/v1/role-grants',
        member: 'roleGrants',
        item: Grant,
        header: ['GRANT', 'SUBJECT', 'ROLE', 'WORKSPACE'],
        cells: ({ grantId, subject, role, workspaceId }) => [grantId, subject, role, workspaceId],
      }),
    );
  grant
    .command('revoke <grantId>')
    .description('take a granted role away')
    .action(async (grantId: string, _options: unknown, command: Command) =>
      remove(contextOf(command), `/v1/role-grants/${encodeURIComponent(grantId)}`, `revoked ${grantId}`),
    );
};

const addWorkspaceCommands = (access: Command, contextOf: GetContext): void => {
  const workspace = access.command('workspace').description('workspaces of the tenant');
  workspace
    .command('register <workspaceId>')
    .description('register a workspace, rename it, or open it again')
    .option('--name <name>', 'what people call it')
    .action(async (id: string, { name }: { readonly name?: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const body = name === undefined ? {} : { displayName: name };
      const answer = await client().request('PUT', `/v1/workspaces/${encodeURIComponent(id)}`, { body });
      output.result(answer, () => `workspace ${paint('bold', id)} is ${Workspace.parse(answer).status}`);
    });
  workspace
    .command('list')
    .description('list the registered workspaces')
    .action(async (_options: unknown, command: Command) =>
      list(contextOf(command), {
        path: '/v1/workspaces',
        member: 'workspaces',
        item: Workspace,
        header: ['WORKSPACE', 'STATUS', 'NAME'],
        cells: ({ workspaceId, status, displayName }) => [workspaceId, status, displayName ?? ''],
      }),
    );
  workspace
    .command('close <workspaceId>')
    .description('close a workspace: everything in it answers 404 until it is registered again')
    .action(async (id: string, _options: unknown, command: Command) =>
      remove(contextOf(command), `/v1/workspaces/${encodeURIComponent(id)}`, `workspace ${id} is closed`),
    );
  workspace
    .command('policy [policy]')
    .description('show or set which workspaces there are: open or registered')
    .action(async (workspacePolicy: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer =
        workspacePolicy === undefined
          ? await client().request('GET', '/v1/tenant')
          : await client().request('PUT', '/v1/tenant', { body: { workspacePolicy } });
      const tenant = Tenant.parse(answer);
      output.result(answer, () => `tenant ${paint('bold', tenant.tenantId)}: ${tenant.workspacePolicy}`);
    });
};

const LIMIT = 200;

interface List<Item extends z.ZodType> {
  readonly path: string;
  /** The member of the answer that has the items. */
  readonly member: string;
  readonly item: Item;
  readonly header: readonly string[];
  readonly cells: (item: z.infer<Item>) => readonly string[];
}

/** Lists all there is, page after page. */
const list = async <Item extends z.ZodType>(
  { client, output }: CommandContext,
  { path, member, item, header, cells }: List<Item>,
): Promise<void> => {
  const Page = z.looseObject({ nextCursor: z.string().optional() });
  const items: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = Page.parse(await client().request('GET', path, { query: { limit: LIMIT, cursor } }));
    items.push(...z.array(z.unknown()).parse(page[member]));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  output.result({ [member]: items }, () => table(header, z.array(item).parse(items).map(cells)));
};

const remove = async ({ client, output }: CommandContext, path: string, done: string): Promise<void> => {
  const answer = await client().request('DELETE', path);
  output.result(answer, () => done);
};
