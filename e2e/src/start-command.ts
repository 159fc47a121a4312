import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { waitFor } from "@guildhall/testing";

/** The checkout's folder, in which people type commands. */
export const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** How a command ended. */
export interface Ended {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command as somebody runs it in a terminal; disposing kills it and all that it started. */
export interface Command extends AsyncDisposable {
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** The first match in its standard output; rejects when it ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Types a line. */
  type(line: string): void;
  /** Ends its input, as Ctrl-D does. */
  endInput(): void;
  /** Sends a signal to the command itself. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal to the command and all that it started, as Ctrl-C in a terminal does. */
  signalAll(name: NodeJS.Signals): void;
  ended(): Promise<Ended>;
}

const waitMs = 60_000;

/** Runs a command in the checkout, in a process group of its own. */
export function runCommand(command: string, args: readonly string[]): Command {
  const child = spawn(command, args, { cwd: checkout, detached: true, env: plainEnvironment() });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  let end: Ended | undefined;
  const ending = once(child, "close").then(([code, signal]) => {
    end = { code, signal } as Ended;
    return end;
  });
  const shown = () => `${command} ${args.join(" ")}\n${output.stdout}\n${output.stderr}`;
  return {
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    async says(pattern) {
      const found = await waitFor(() => pattern.exec(output.stdout) ?? end, { timeoutMs: waitMs }).catch(
        () => undefined,
      );
      if (Array.isArray(found)) return found as RegExpExecArray;
      throw new Error(`it never said ${pattern}: ${shown()}`);
    },
    type: (line) => void child.stdin.write(`${line}\n`),
    endInput: () => void child.stdin.end(),
    signal: (name) => void child.kill(name),
    signalAll: (name) => signalGroup(child, name),
    async ended() {
      const found = await waitFor(() => end, { timeoutMs: waitMs }).catch(() => undefined);
      if (found !== undefined) return found;
      throw new Error(`it did not end: ${shown()}`);
    },
    async [Symbol.asyncDispose]() {
      signalGroup(child, "SIGKILL");
      await ending;
    },
  };
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch (error) {
    // Nothing of it is left.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A terminal's environment: without what the runner of the tests has set for itself. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !/^(NODE_|JEST_|npm_|GUILDHALL_)/.test(name));
  return Object.fromEntries(others);
}
