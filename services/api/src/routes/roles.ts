import { GuildhallError } from "@guildhall/errors";
import { roleForm } from "../forms/roles.ts";
import { jsonAnswer } from "../http/answer.ts";
import { route } from "./route.ts";
import { readBytes, sendCommand, sendRead } from "./send.ts";

const defaultName = "new role";

/** Roles of guilds. */
export const roleRoutes = [
  route({
    method: "GET",
    path: "/guilds/{g}/roles",
    needs: "member",
    handle: (call) => sendRead(call, call.params.g, { $case: "listRoles", value: { guildId: call.params.g } }),
  }),
  route({
    method: "GET",
    path: "/guilds/{g}/roles/{r}",
    needs: "member",
    async handle(call) {
      const { g: guildId, r: roleId } = call.params;
      const bytes = await readBytes(call, guildId, { $case: "listRoles", value: { guildId } });
      const roles = JSON.parse(Buffer.from(bytes).toString()) as { readonly id: string }[];
      const role = roles.find(({ id }) => id === String(roleId));
      if (role === undefined) throw new GuildhallError("UNKNOWN_ROLE", "no such role");
      return jsonAnswer(200, role);
    },
  }),
  route({
    method: "POST",
    path: "/guilds/{g}/roles",
    needs: "MANAGE_ROLES",
    body: roleForm,
    handle(call) {
      const { name = defaultName, permissions, color = 0, hoist = false, mentionable = false } = call.body;
      const value = { guildId: call.params.g, name, permissions, color, hoist, mentionable };
      return sendCommand(call, call.params.g, { $case: "createRole", value });
    },
  }),
  route({
    method: "PATCH",
    path: "/guilds/{g}/roles/{r}",
    needs: "MANAGE_ROLES",
    body: roleForm,
    handle(call) {
      const value = { guildId: call.params.g, roleId: call.params.r, ...call.body };
      return sendCommand(call, call.params.g, { $case: "editRole", value });
    },
  }),
  route({
    method: "DELETE",
    path: "/guilds/{g}/roles/{r}",
    needs: "MANAGE_ROLES",
    handle(call) {
      const value = { guildId: call.params.g, roleId: call.params.r };
      return sendCommand(call, call.params.g, { $case: "deleteRole", value });
    },
  }),
];
