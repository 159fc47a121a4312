import type { BackupFile } from "@guildhall/proto";
import type { Revocations } from "./domain/revocations.ts";
import type { TokenPorts } from "./domain/token.ts";
import type { Announcer } from "./domain/user-topic.ts";
import type { UserMetrics } from "./events.ts";
import type { Accounts } from "./store/accounts.ts";
import type { PasswordHasher } from "./store/password-hasher.ts";

/** What the RPCs of this service use. */
export interface UserContext {
  readonly accounts: Accounts;
  readonly metrics: UserMetrics;
  readonly hasher: PasswordHasher;
  readonly tokenPorts: TokenPorts;
  readonly announcer: Announcer;
  readonly revocations: Revocations;
  /** A new snowflake; throws UNAVAILABLE while no worker id is leased. */
  readonly nextId: () => bigint;
  readonly nowMs: () => number;
  /** Copies the accounts database into a folder; as `backUpDatabases`. */
  readonly backUp: (folder: string) => Promise<readonly BackupFile[]>;
  /** A new Ed25519 pair for an application: raw public half in hex, private half in PKCS#8 DER. */
  readonly makeSigningKey: () => { readonly verifyKey: string; readonly signingKey: Uint8Array };
}
