import { GuildhallError } from "@guildhall/errors";
import type { Command } from "@guildhall/proto";
import { decideCreateChannel, decideDeleteChannel, decideEditChannel } from "./decide-channel.ts";
import { decideCreateGuild, decideDeleteGuild, decideEditGuild } from "./decide-guild.ts";
import { decideAcceptInvite, decideCreateInvite, decideDeleteInvite } from "./decide-invite.ts";
import { decideAddBot, decideAddPeople, decideKickMember, decideLeaveGuild } from "./decide-member.ts";
import { decideCreateMessage } from "./decide-message.ts";
import { decideDeleteMessage, decideEditMessage } from "./decide-message-change.ts";
import { decideDeleteOverwrite, decidePutOverwrite } from "./decide-overwrite.ts";
import { decideAddReaction, decideRemoveReaction, decideStartTyping } from "./decide-reaction.ts";
import { decideCreateRole, decideDeleteRole, decideEditRole, decideMemberRole } from "./decide-role.ts";
import type { Decision, Reservation, Turn } from "./turn.ts";

/**
 * Decides a command in one turn: what it changes, tells and answers, or the refusal (thrown). Changes nothing itself.
 * The order of checks is Discord's: existence, VIEW_CHANNEL, permission, hierarchy, limits.
 */
export function decide(turn: Turn, { body }: Command): Decision | Reservation {
  switch (body?.$case) {
    case "createMessage":
      return decideCreateMessage(turn, body.value);
    case "editMessage":
      return decideEditMessage(turn, body.value);
    case "deleteMessage":
      return decideDeleteMessage(turn, body.value);
    case "addReaction":
      return decideAddReaction(turn, body.value);
    case "removeReaction":
      return decideRemoveReaction(turn, body.value);
    case "startTyping":
      return decideStartTyping(turn, body.value);
    case "createGuild":
      return decideCreateGuild(turn, body.value);
    case "editGuild":
      return decideEditGuild(turn, body.value);
    case "deleteGuild":
      return decideDeleteGuild(turn);
    case "leaveGuild":
      return decideLeaveGuild(turn);
    case "createChannel":
      return decideCreateChannel(turn, body.value);
    case "editChannel":
      return decideEditChannel(turn, body.value);
    case "deleteChannel":
      return decideDeleteChannel(turn, body.value);
    case "putOverwrite":
      return decidePutOverwrite(turn, body.value);
    case "deleteOverwrite":
      return decideDeleteOverwrite(turn, body.value);
    case "createRole":
      return decideCreateRole(turn, body.value);
    case "editRole":
      return decideEditRole(turn, body.value);
    case "deleteRole":
      return decideDeleteRole(turn, body.value);
    case "grantRole":
      return decideMemberRole(turn, body.value, true);
    case "revokeRole":
      return decideMemberRole(turn, body.value, false);
    case "kickMember":
      return decideKickMember(turn, body.value);
    case "addBot":
      return decideAddBot(turn, body.value);
    case "addPeople":
      return decideAddPeople(turn, body.value);
    case "createInvite":
      return decideCreateInvite(turn, body.value);
    case "acceptInvite":
      return decideAcceptInvite(turn, body.value);
    case "deleteInvite":
      return decideDeleteInvite(turn, body.value);
    case undefined:
      throw new GuildhallError("INVALID_FORM", "a command without a body");
    default:
      return body satisfies never;
  }
}
