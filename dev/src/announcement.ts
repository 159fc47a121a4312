import type { DemoPerson } from "./demo/demo.ts";
import type { Fleet } from "./fleet.ts";

/** What a terminal shows when the fleet is ready: processes, addresses, whom to log in as, a bot to paste. */
export async function announce(fleet: Fleet, startMs: number): Promise<string> {
  const { endpoints } = fleet;
  const seconds = (startMs / 1_000).toFixed(1);
  const sections = [
    `\nGuildhall is ready (${seconds} s). State: ${fleet.state}. Ctrl-C stops it.`,
    await table([
      ["process", "pid", "metrics"],
      ...endpoints.processes.map(({ name, pid, metrics }) => [name, String(pid), metrics]),
    ]),
    await table([
      ["", "address"],
      ["REST API", endpoints.api],
      ["Gateway", endpoints.gateway],
      ["CDN", endpoints.cdn],
    ]),
  ];
  const { demo } = endpoints;
  if (demo !== undefined) {
    const person = (name: string, { id, login, password, token }: DemoPerson) => [name, id, login, password, token];
    sections.push(
      `Demo guild ${demo.guildId}, channel ${demo.channelId}`,
      await table([
        ["", "id", "login", "password", "token"],
        person("owner", demo.owner),
        person("member", demo.member),
        ["bot", demo.bot.id, "", "", demo.bot.token],
      ]),
      `A bot that answers !ping, to paste in another terminal in this folder:\n\n${botLine(apiBase(endpoints.api), demo.bot.token)}`,
      `And somebody who says it:\n\n${messageLine(endpoints.api, demo.channelId, demo.member.token)}`,
    );
  }
  return `${sections.join("\n\n")}\n\n`;
}

async function table([head = [], ...rows]: readonly string[][]): Promise<string> {
  // Loaded for the moment it is needed.
  const { default: Table } = await import("cli-table3");
  const made = new Table({ head, style: { head: [], border: [], compact: true } });
  made.push(...rows);
  return made.toString();
}

/** discord.js adds the version itself. */
function apiBase(api: string): string {
  return api.replace(/\/v10$/, "");
}

/** A command that runs a bot. Without single quotes and exclamation marks outside them, so that any shell takes it. */
export function botLine(api: string, token: string): string {
  const code = [
    'import{Client}from"discord.js"',
    `const c=new Client({intents:["Guilds","GuildMessages","MessageContent"],rest:{api:"${api}"}})`,
    'c.once("clientReady",()=>console.log("ready as",c.user.tag))',
    'c.on("messageCreate",m=>{if(m.content==="!ping")m.reply("pong")})',
    `c.login("${token}")`,
  ];
  return `node --input-type=module -e '${code.join(";")}'`;
}

function messageLine(api: string, channelId: string, token: string): string {
  const url = `${api}/channels/${channelId}/messages`;
  return `curl -sS ${url} -H 'authorization: ${token}' -H 'content-type: application/json' -d '{"content":"!ping"}'`;
}
