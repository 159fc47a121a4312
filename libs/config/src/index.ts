export { address, addresses, bool, dir, durationMs, int, list, listOf, oneOf, port, str, url } from "./parsers.ts";
export { processSettings } from "./process-settings.ts";
export { type Config, type Parser, readConfig, type Setting, type SettingTable } from "./read-config.ts";
