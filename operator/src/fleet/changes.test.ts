import { expect, test } from "@jest/globals";
import { apiVersion, type ShardSet, validateShardSet } from "../api/v1alpha1/index.ts";
import { changesOf, forbiddenChanges, formatChanges, type ReshardSeen } from "./changes.ts";

const documentOf = (spec: Record<string, unknown>, name = "main"): ShardSet =>
  validateShardSet({ apiVersion, kind: "ShardSet", metadata: { name }, spec: { shards: 4, ...spec } });

const settled: ReshardSeen = { phase: "", from: 0, to: 0, serving: 4 };

function refused(before: ShardSet, after: ShardSet, seen: ReshardSeen | undefined = settled): string[] {
  return forbiddenChanges(changesOf(before, after), seen).map(({ path, message }) => `${path}: ${message}`);
}

test("tells each field that changed, lists as a whole", () => {
  const windows = [{ from: "03:00", to: "06:00" }];
  const after = documentOf({ shards: 8, version: "0.1.0", guild: { hosts: 3 }, resharding: { windows } });
  expect(formatChanges(changesOf(documentOf({}), after))).toBe(
    "spec.shards 4 -> 8, spec.guild.hosts 2 -> 3, spec.resharding.windows [] -> " +
      '[{"from":"03:00","to":"06:00","days":[],"timeZone":"UTC"}], spec.version (left out) -> 0.1.0',
  );
  expect(changesOf(after, after)).toEqual([]);
});

test("lets everything change but the name and where clients connect", () => {
  const after = documentOf({ guild: { hosts: 4 }, gateway: { replicas: 5 }, paused: true, log: { level: "debug" } });
  expect(refused(documentOf({}), after, undefined)).toEqual([]);
  const moved = documentOf({ endpoints: { apiPort: 8000, host: "0.0.0.0" } }, "other");
  const why = "stop the fleet and start it again";
  expect(refused(documentOf({}), moved)).toEqual([
    `metadata.name: cannot change while the fleet runs (it is main): ${why}`,
    `spec.endpoints.host: cannot change while the fleet runs (it is 127.0.0.1): ${why}`,
    `spec.endpoints.apiPort: cannot change while the fleet runs (it is 7300): ${why}`,
  ]);
});

const merged = "spec.shards: must stay 8 or become 16 (8 serve): shards are never merged";
const tooFar = "spec.shards: must stay 4 or become 8 (4 serve): shards are doubled, one reshard at a time";
test.each<{ from: number; to: number; seen: ReshardSeen | undefined; problems: string[] }>([
  { from: 4, to: 8, seen: settled, problems: [] },
  { from: 4, to: 16, seen: settled, problems: [tooFar] },
  { from: 8, to: 4, seen: { ...settled, serving: 8 }, problems: [merged] },
  // The document was behind: the doubling was ordered by the tool.
  { from: 4, to: 8, seen: { phase: "Completed", from: 4, to: 8, serving: 8 }, problems: [] },
  { from: 4, to: 16, seen: { phase: "Completed", from: 4, to: 8, serving: 8 }, problems: [] },
  // A plan that nobody approved may be taken back.
  { from: 8, to: 4, seen: { phase: "Planned", from: 4, to: 8, serving: 4 }, problems: [] },
  {
    from: 8,
    to: 16,
    seen: { phase: "Moving", from: 4, to: 8, serving: 8 },
    problems: ["spec.shards: must stay 8: a reshard from 4 to 8 is under way (Moving)"],
  },
  { from: 4, to: 8, seen: { phase: "Splitting", from: 4, to: 8, serving: 6 }, problems: [] },
  {
    from: 4,
    to: 8,
    seen: undefined,
    problems: [
      "spec.shards: cannot change now: the coordinator does not say how many shards serve; try again when it does",
    ],
  },
])("from $from to $to shards, with $seen", ({ from, to, seen, problems }) => {
  const changes = changesOf(documentOf({ shards: from }), documentOf({ shards: to }));
  expect(forbiddenChanges(changes, seen).map(({ path, message }) => `${path}: ${message}`)).toEqual(problems);
});
