import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { FleetOptions } from "./fleet.ts";

/** What `--help` prints. */
export const usage = `Runs a whole Guildhall fleet on this machine, until Ctrl-C.

  npm start -- [--state DIR] [--port N] [--spec FILE]

  --state DIR   where accounts, messages and sockets are kept (default: .guildhall in the checkout)
  --port N      port of the REST API; gateways take N+1 and the ports after it; 0 = any free ones
                (default: as in the spec)
  --spec FILE   what to run (default: dev/shardset.yaml)
`;

const defaultState = fileURLToPath(new URL("../../.guildhall", import.meta.url));

/** The options of the command line. Throws GuildhallError BAD_CONFIG, with the way to the help. */
export function parseOptions(args: readonly string[]): Pick<FleetOptions, "state" | "specFile" | "ports"> {
  const { state, port, spec } = parse(args);
  return {
    state: resolve(state ?? defaultState),
    ...(spec === undefined ? {} : { specFile: spec }),
    ...(port === undefined ? {} : { ports: publicPorts(port) }),
  };
}

function parse(args: readonly string[]) {
  try {
    const text = { type: "string" } as const;
    return parseArgs({ args: [...args], options: { state: text, port: text, spec: text } }).values;
  } catch (error) {
    const [reason] = toGuildhallError(error).message.split("\n");
    throw new GuildhallError("BAD_CONFIG", `${reason} (--help tells the options)`);
  }
}

function publicPorts(text: string) {
  const api = Number(text);
  if (!/^\d{1,5}$/.test(text) || api > 65_534) {
    throw new GuildhallError(
      "BAD_CONFIG",
      `--port: must be a port number from 0 to 65534, not ${JSON.stringify(text)}`,
    );
  }
  return { api, gateway: api === 0 ? 0 : api + 1 };
}
