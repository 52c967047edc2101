import { operations as agents, openGate } from "#domains/agents";
import {
  activateDefault,
  operations as authz,
  checkRowPolicies,
  DRIFT,
  openPolicy,
  openSampler,
  PROPOSE,
  proposeLeast,
  REPLAY,
  ROW_POLICIES,
  replayWindow,
  restorePolicies,
  watchDrift,
} from "#domains/authz";
import {
  operations as controlPlane,
  createOrganization,
  isNew,
  openAuthenticator,
  openEntities,
  principalOfAccount,
  raiseRevision,
  readGroupNames,
  revision,
} from "#domains/control-plane";
import { operations as feeds, openFeed } from "#domains/feed";
import {
  audit,
  operations as ledger,
  openLedger,
  ROTATE_KEY,
  RootLog,
  readReaders,
  rotateKey,
  tellOfRefusal,
} from "#domains/ledger";
import { createSchedules, Dispatcher, operations as ops, retain } from "#domains/ops";
import { operations as registries } from "#domains/registries";
import { openScorer, operations as risk } from "#domains/risk";
import { sealSecret } from "#domains/security";
import { operations as chains, countErased, telemetry } from "#domains/telemetry";
import { operations as vault } from "#domains/vault";
import { DELIVER, deliver, Fan, operations as webhooks } from "#domains/webhooks";
import { openAddresses } from "#faces/address.ts";
import type { Opening, System } from "#faces/system.ts";
import { systemClock } from "#kernel/clock.ts";
import { type Config, loadMasterKey } from "#kernel/config.ts";
import { type Db, isServerGone, openDb, query, withClient } from "#kernel/db.ts";
import { watchDatabase } from "#kernel/db-watch.ts";
import { healthOf } from "#kernel/health.ts";
import { openLog } from "#kernel/log.ts";
import { openSlow, type Slow } from "#kernel/log-slow.ts";
import { lookAt } from "#kernel/look.ts";
import { type Metrics, openMetrics } from "#kernel/metrics.ts";
import { ensureCompatible, migrateUp } from "#kernel/migrate.ts";
import { type Engine, openEngine } from "#kernel/open-engine.ts";
import type { Refusal } from "#kernel/refusal.ts";
import { type Operation, openPipeline, type Parts } from "#pipeline";

const HOUR_MS = 3_600_000;

/** Everything that the system can do. Every face is drawn from this list. */
export const operations: readonly Operation[] = [
  ...authz,
  ...risk,
  ...chains,
  ...feeds,
  ...ledger,
  ...vault,
  ...registries,
  ...controlPlane,
  ...agents,
  ...ops,
  ...webhooks,
];

/** Opens the engine and everything on it. */
export async function openSystem(config: Config, { migrate, join }: Opening): Promise<System> {
  const log = openLog(config.logLevel);
  // A command beside a server is over before a collector would learn much of it.
  const telemetry = join ? { traces: false, metrics: false } : config.telemetry;
  for (let attempt = 1; ; attempt++) {
    try {
      const engine = await openEngine(config, join, (line) => log.debug({ engine: line }));
      return await joinSystem({ ...config, telemetry }, engine, migrate, log);
    } catch (error) {
      // The command whose engine this one came to has just ended it: the next one finds it stopped, and starts it.
      if (!join || attempt === JOIN_ATTEMPTS_MAX || !isServerGone(error)) throw error;
    }
  }
}

const JOIN_ATTEMPTS_MAX = 5;

/** Joins the domains to the pipeline on an engine, and starts the sequencer. The one place that knows every part. */
export async function joinSystem(
  config: Config,
  engine: Engine,
  migrate: boolean,
  log = openLog(config.logLevel),
): Promise<System> {
  const opened: (() => Promise<unknown>)[] = [() => engine.stop()];
  const close = async () => {
    for (const step of opened.splice(0).reverse()) await step();
  };
  try {
    if (migrate) await migrateUp(engine.admin, { log: (line) => log.info(line) });
    await withClient(engine.admin, (client) => ensureCompatible(client));
    await engine.allowServer();
    const metrics = openMetrics();
    const { telemetry: wanted } = config;
    if (wanted.traces || wanted.metrics) {
      // Only now: who has no collector does not pay for the exporters' memory.
      const { exportTelemetry } = await import("#kernel/telemetry-export.ts");
      opened.push(exportTelemetry(wanted, metrics.registry, log));
    }
    const slow = openSlow(log, { call_ms: config.slowCall_ms, statement_ms: config.slowQuery_ms });
    const db = await openDb(engine.server, undefined, watchDatabase(metrics, slow));
    opened.push(() => db.close());
    const system = await joinParts(config, { db, log, metrics, slow }, engine);
    opened.push(system.stop);
    return { ...system, stop: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function joinParts(
  config: Config,
  { db, log, metrics, slow }: { db: Db; log: Parts["log"]; metrics: Metrics; slow: Slow },
  engine: Engine,
): Promise<System> {
  const clock = systemClock;
  const auth = openAuthenticator(db, clock);
  const masterKey = loadMasterKey(config);
  const { origin, witness, logMlDsa: secondKeys } = config;
  const onRefused = (tenantId: string, refusal: Refusal) => tellOfRefusal(parts, tenantId, refusal);
  const ledger = openLedger({
    db,
    clock,
    log,
    metrics,
    masterKey,
    origin,
    secondKeys,
    witness,
    onRefused,
  });
  const feed = openFeed(db, { revision, ledger });
  const housekeep = () =>
    db.transaction({ role: "writer", tenantId: null }, (tx) => query(tx, "select ops.housekeep()"));
  await housekeep();
  const sampler = openSampler(config.policyOracle, { log, metrics }, () => parts);
  const parts: Parts = openPipeline({
    db,
    clock,
    log,
    metrics,
    slow,
    authenticate: auth.authenticate,
    addressOf: openAddresses(config.trustedProxies),
    revision,
    raiseRevision,
    policy: openPolicy(db, clock, { known: openEntities(db), sampler }),
    scorer: await openScorer(db),
    ledger,
    telemetry,
    feed,
    agents: openGate(db),
    readers: readReaders,
    groups: readGroupNames,
    async projectCreated(tx, project) {
      await activateDefault(tx, project);
      await ledger.createLog(tx, project.id);
      await createSchedules(tx, project.id);
    },
    sealSecret: (secret, bound) => sealSecret(masterKey, secret, bound),
  });
  const dispatcher = new Dispatcher(parts, {
    "ledger.audit": audit(db, ledger),
    "ops.retain": retain(db),
    [DRIFT]: watchDrift({ db, clock }),
    [ROW_POLICIES]: checkRowPolicies(db),
    [PROPOSE]: proposeLeast({ db, clock }),
    [REPLAY]: replayWindow({ db, clock, countErased }),
    [ROTATE_KEY]: rotateKey(parts, masterKey),
    [DELIVER]: deliver({ db, clock, masterKey, allowPrivate: config.webhooksPrivate }),
  });
  const fan = new Fan({ ...parts, principalOfAccount });
  const rootLog = new RootLog({ ...parts, ledger });
  const heard: Record<string, (tenantId?: string) => void> = {
    sealbase_revision(tenantId) {
      auth.forget(tenantId);
      feed.changed(tenantId);
      ledger.sequencer.reload(tenantId);
    },
    sealbase_log(tenantId) {
      feed.grown(tenantId);
      ledger.indexer.wake(tenantId);
      fan.wake();
    },
    sealbase_jobs: () => dispatcher.wake(),
  };
  const listener = await db.listen(Object.keys(heard), (channel, payload) =>
    heard[channel]!(payload || undefined),
  );
  await ledger.sequencer.start();
  ledger.indexer.start();
  const look = lookAt(db.pool, engine.server, {
    refused: () => ledger.sequencer.refused,
    backlog: ledger.backlog,
  });
  metrics.state.watch(look);
  const hourly = setInterval(() => {
    housekeep().catch((error) => log.error({ err: error }, "housekeeping failed"));
  }, HOUR_MS).unref();
  return {
    parts,
    operations,
    isNew: () => db.transaction({ role: "reader", tenantId: null }, isNew),
    createOrganization: (name, project) =>
      createOrganization(db, parts.projectCreated, name, project),
    health: async () => healthOf(await look()),
    restorePolicies: (projectId, restoring) => restorePolicies(parts, projectId, restoring),
    askWitnesses: async (projectId) => (await ledger.witnesses?.report(projectId)) ?? [],
    work() {
      ledger.witnesses?.start();
      dispatcher.start();
      fan.start();
      rootLog.start();
    },
    sealHeads: () => rootLog.sealHeads(),
    async stop() {
      clearInterval(hourly);
      await rootLog.stop();
      await fan.stop();
      await dispatcher.stop();
      await sampler.stop();
      await parts.suspicions.flush();
      await parts.reads.flush(true);
      await ledger.sequencer.stop();
      await ledger.witnesses?.stop();
      await ledger.indexer.stop();
      await listener.close();
    },
  };
}
