import { realpathSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { AnswerOf, AskOf, ControlFailure, ControlVerb } from "@guildhall/dev/control";
import { GuildhallError, isErrorCode } from "@guildhall/errors";

/** Drives the fleet that runs on a state folder. */
export interface ControlClient {
  readonly state: string;
  /** Asks for something and waits until it is done. Rejects with the fleet's refusal, or with what to do. */
  call<V extends ControlVerb>(verb: V, ask: AskOf<V>): Promise<AnswerOf<V>>;
}

/** A client of the fleet whose state is in a folder. */
export function makeControlClient(state: string): ControlClient {
  return {
    state,
    async call<V extends ControlVerb>(verb: V, ask: AskOf<V>) {
      const { status, body } = await post(state, `/v1/${verb}`, JSON.stringify(ask));
      if (status === 200) return body as AnswerOf<V>;
      throw refusalOf(body as Partial<ControlFailure> | undefined, status);
    },
  };
}

/** Whether a fleet answers on the folder. */
export async function isFleetRunning(state: string): Promise<boolean> {
  try {
    // A verb that does not exist is answered by whoever is there, and does nothing.
    await post(state, "/v1/", "{}");
    return true;
  } catch (error) {
    if (error instanceof GuildhallError && error.code === "UNAVAILABLE") return false;
    throw error;
  }
}

function post(state: string, path: string, body: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => reject(unreachable(state, error as NodeJS.ErrnoException));
    let socketPath: string;
    try {
      // A link where the folder's path is too long for a socket's address.
      socketPath = realpathSync(join(state, "control.sock"));
    } catch (error) {
      failed(error);
      return;
    }
    // No limit of time: a drain takes as long as it takes. Ctrl-C ends the wait, not the work.
    const sent = request({ socketPath, path, method: "POST", headers: { "content-type": "application/json" } });
    sent.on("error", failed);
    sent.on("response", (response) => {
      text(response)
        .then((answer) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) }))
        .catch(failed);
    });
    sent.end(body);
  });
}

function unreachable(state: string, error: NodeJS.ErrnoException): GuildhallError {
  switch (error.code) {
    case "ENOENT":
    case "ECONNREFUSED":
    case "ENOTDIR": {
      const hint = "start one with `npm start`, or name its folder with --state DIR";
      return new GuildhallError("UNAVAILABLE", `no fleet runs on ${state}: ${hint}`, { cause: error });
    }
    case "EACCES":
    case "EPERM": {
      const hint = "only the user who started the fleet may drive it";
      return new GuildhallError("UNAUTHORIZED", `you may not open ${state}: ${hint}`, { cause: error });
    }
    default: {
      const hint = "the fleet went away; what was asked for may be done or not, see `guildhall status`";
      return new GuildhallError("OUTCOME_UNKNOWN", `${error.message}: ${hint}`, { cause: error });
    }
  }
}

function refusalOf(failure: Partial<ControlFailure> | undefined, status: number): GuildhallError {
  const { code = "", message = `refused (${status})` } = failure ?? {};
  return new GuildhallError(isErrorCode(code) ? code : "REFUSED", message);
}
