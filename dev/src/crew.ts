import type { ShardSet } from "@guildhall/operator/api";
import { type Fleet as Plan, plan } from "@guildhall/operator/plan";
import type { Output } from "./output/output.ts";
import { type PublicPorts, portWishes } from "./places.ts";
import { choosePorts } from "./ports.ts";
import type { Publication } from "./publication.ts";
import type { ProcessSeen } from "./reconcile/decide.ts";
import type { Operations } from "./reconcile/operations.ts";
import type { Child } from "./supervisor/child.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";

/** The processes of a fleet and all that goes with them: settings, ports, what is published of them. */
export interface Crew {
  /** What is planned now. */
  readonly plan: Plan;
  readonly planned: readonly string[];
  readonly children: ReadonlyMap<string, Child>;
  /** Stopped by somebody's hand: the reconciler leaves them alone. */
  readonly held: Set<string>;
  /** Plans what a document asks for; what runs goes on as it is. */
  adopt(document: ShardSet): Promise<void>;
  seen(operations: Operations): ProcessSeen[];
  /** Forgets a process that has stopped. */
  remove(name: string): void;
}

/** What a crew is made of. */
export interface CrewOptions {
  readonly supervisor: Supervisor;
  readonly publication: Publication;
  readonly output: Output;
  /** Of the processes so far; those of new ones are added. */
  readonly ports: Map<string, number>;
  /** As chosen for the public two. */
  readonly publicPorts: PublicPorts;
}

/** The crew of a supervised fleet. */
export function makeCrew(first: Plan, { supervisor, publication, output, ports, publicPorts }: CrewOptions): Crew {
  let current = first;
  const held = new Set<string>();
  const choose = async (next: Plan, host: string): Promise<void> => {
    const missing = portWishes(next, publicPorts).filter(({ name }) => !ports.has(name));
    // Ports of single gateways are for operators: any will do where the usual one is taken.
    const chosen = await choosePorts(host, missing).catch(() =>
      choosePorts(
        host,
        missing.map(({ name }) => ({ name, port: 0 })),
      ),
    );
    for (const [name, port] of chosen) ports.set(name, port);
  };
  return {
    get plan() {
      return current;
    },
    get planned() {
      return namesOf(current);
    },
    children: supervisor.children,
    held,
    async adopt(document) {
      const next = plan(document);
      await choose(next, document.spec.endpoints.host);
      current = next;
      supervisor.adopt(next);
      publication.order(namesOf(next));
      output.setFormat(document.spec.log.format);
    },
    seen: (operations) =>
      Array.from(supervisor.children.values(), ({ name, state }) => ({
        name,
        // A child without a plan does not exist.
        part: supervisor.partOf(name) ?? "data",
        state,
        isStale: supervisor.isStale(name),
        isHeld: held.has(name),
        isBusy: operations.isBusy(name),
      })),
    remove(name) {
      supervisor.remove(name);
      publication.remove(name);
      ports.delete(name);
      held.delete(name);
    },
  };
}

/** The names of a plan's processes, in the order of start. */
export function namesOf({ workloads }: Plan): string[] {
  return workloads.flatMap(({ instances }) => instances.map(({ name }) => name));
}
