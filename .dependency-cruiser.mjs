// Which folder may know which (docs/adr/0001). Run by test/architecture/layers.test.ts and `npm run check`.
const OWN = '^(contracts|domain|adapters|functions|infra|local|cli|console|bench|tools|test)/';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: { path: OWN },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(contracts|domain|adapters|local)/', pathNot: '[.]d[.]ts$' },
      to: {},
    },
    {
      name: 'contracts-know-only-zod',
      severity: 'error',
      comment: 'The vocabulary depends on nothing.',
      from: { path: '^contracts/' },
      to: { pathNot: ['^contracts/', 'node_modules/zod/'] },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'Deciders, folds and projections see contracts, each other and two pure packages.',
      from: { path: '^domain/', pathNot: '^domain/kernel/hash[.]ts$' },
      to: {
        pathNot: ['^domain/', '^contracts/', 'node_modules/(croner|canonicalize)/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'hash-may-use-node-crypto-only',
      severity: 'error',
      from: { path: '^domain/kernel/hash[.]ts$' },
      to: { pathNot: ['^domain/', '^contracts/', '^(node:)?crypto$'] },
    },
    {
      name: 'ports-are-types',
      severity: 'error',
      comment: 'A port has no runtime.',
      from: { path: '^domain/ports/' },
      to: { dependencyTypesNot: ['type-only'], path: OWN },
    },
    {
      name: 'adapters-do-not-call-in',
      severity: 'error',
      from: { path: '^adapters/' },
      to: { path: '^(functions|infra|local|cli|console|test|bench|tools)/' },
    },
    {
      name: 'functions-are-islands',
      severity: 'error',
      comment: 'One Lambda never imports another.',
      from: { path: '^functions/([^/]+)/' },
      to: { path: '^functions/', pathNot: ['^functions/$1/', '^functions/shared/'] },
    },
    {
      name: 'functions-know-no-cloud',
      severity: 'error',
      from: { path: '^functions/' },
      to: { path: '^(infra|local|cli|console|test|bench|tools)/' },
    },
    {
      name: 'infra-is-description',
      severity: 'error',
      comment: 'CDK code never executes domain or adapters.',
      from: { path: '^infra/' },
      to: { path: '^(domain|adapters|functions|local|cli|test)/' },
    },
    {
      name: 'local-knows-no-domain',
      severity: 'error',
      comment: 'The local cloud runs what the template says, like AWS.',
      from: { path: '^local/' },
      to: { path: '^(domain|adapters|functions|infra|cli|test)/' },
    },
    {
      name: 'cli-talks-http',
      severity: 'error',
      comment:
        'Named exceptions: `up` starts the local cloud, the tape producer uses the SDK, the example worker may receive from a queue, adapters of venues write to the market stream, the renderer of dashboards counts its frames, offline tools read the ledger, file commands compute.',
      from: {
        path: '^cli/',
        pathNot: [
          '^cli/up/',
          '^cli/tape/',
          '^cli/worker/',
          '^cli/venue/',
          '^cli/dashboard/',
          '^cli/offline/',
          '^cli/files/',
        ],
      },
      to: { path: '^(domain|adapters|functions|infra|local)/' },
    },
    {
      name: 'worker-kit-can-be-copied',
      severity: 'error',
      comment: 'Workers outside this repository take the kit, the vocabulary and zod, and nothing else.',
      from: { path: '^cli/worker-kit/' },
      to: { pathNot: ['^cli/worker-kit/', '^contracts/', 'node_modules/zod/', '^(node:)?(crypto|events)$'] },
    },
    {
      name: 'market-meaning-stays-inside',
      severity: 'error',
      comment:
        'Features, indicators, opinions and confidence are inside engine and composer, behind a few doors.',
      from: { path: OWN, pathNot: '^(domain/market/(engine|composer)/|test/|bench/)' },
      to: {
        path: '^domain/market/(engine|composer)/',
        pathNot:
          '^domain/market/(engine/(run|options|snapshot|regime-state|veto-thresholds)|composer/(compose|candles))[.]ts$',
      },
    },
    {
      name: 'orchestrator-finds-no-meaning',
      severity: 'error',
      comment: 'Who plans, cuts and records runs knows how to have one executed, not what it says.',
      from: {
        path: '^(domain/market/(feed|feed-symbol)/|domain/market/[^/]+[.]ts$|functions/|adapters/)',
        pathNot: '^domain/market/(execute-run|run-memory|run-remarks|run-setting)[.]ts$',
      },
      to: { path: '^domain/market/(engine|composer|hysteresis)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'orchestrator-knows-no-consumer',
      severity: 'error',
      comment:
        'What is made of runs later feeds nothing back: it is read from their events, by a projection.',
      from: {
        path: '^(domain/market/(feed|feed-symbol|engine|composer|hysteresis)/|domain/market/[^/]+[.]ts$|functions/(ingest-market|run-engine|publish)/)',
        pathNot: '^domain/market/feed-symbol/projection[.]ts$',
      },
      to: {
        path: '^domain/market/(layers|state-gate|analysis|dashboard|evaluation)/',
        pathNot: '^domain/market/layers/config[.]ts$',
      },
    },
    {
      name: 'cdk-stays-in-infra',
      severity: 'error',
      from: { pathNot: '^(infra|test/infra|tools/build)/' },
      to: { path: 'node_modules/(aws-cdk-lib|constructs|cdk-nag)/' },
    },
    {
      name: 'aws-sdk-stays-in-adapters',
      severity: 'error',
      from: {
        path: OWN,
        pathNot: '^(adapters|local/sdk|cli/tape|cli/up|cli/offline|tools/torture|test|bench)/',
      },
      to: { path: 'node_modules/@aws-sdk/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'production-never-imports-test',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-dev-deps-in-runtime',
      severity: 'error',
      from: { path: '^(contracts|domain|adapters|functions|local|cli)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
