import type { BackupFile } from "@guildhall/proto";
import type { Telemetry } from "@guildhall/telemetry";
import type { Coordinator } from "./domain/ports.ts";

/** What the RPCs use. */
export interface CoordinatorContext {
  readonly coordinator: Coordinator;
  /** Copies the process's files into a folder. */
  readonly backup: (folder: string) => Promise<BackupFile[]>;
  readonly telemetry: Telemetry;
}
