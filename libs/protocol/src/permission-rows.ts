import permissions from "../data/permissions.json" with { type: "json" };

/** A permission bit: where it can be overwritten (T text, V voice, S stage; none: guild only) and what it gates. */
export interface PermissionRow {
  readonly bit: number;
  readonly name: string;
  /** 1 << bit in decimal. */
  readonly value: string;
  readonly channel_types: readonly string[];
  /** Whether a guild with mfa_level 1 asks for two-factor authentication (error 60003). */
  readonly needs_2fa_when_guild_mfa: boolean;
  readonly gates: string;
}

/** Every permission bit, in order. */
export const permissionRows: readonly PermissionRow[] = permissions.bits;
