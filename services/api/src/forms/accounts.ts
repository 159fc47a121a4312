import { z } from "zod";
import { field, flag, optional, type Refuse, text } from "./fields.ts";

const userName = /^[a-z0-9_.]+$/;
const address = /^[^\s@]+@[^\s@]+$/;

function readUserName(value: unknown, refuse: Refuse): string {
  const name = typeof value === "string" ? value.trim().toLowerCase() : "";
  if (name.length < 2 || name.length > 32) {
    refuse("BASE_TYPE_BAD_LENGTH", "Must be between 2 and 32 in length.");
  } else if (!userName.test(name) || name.includes("..")) {
    refuse("USERNAME_INVALID_CONTAINS", "Please only use numbers, letters, underscores _ , or periods.");
  }
  return name;
}

const email = field((value, refuse) => {
  if (typeof value === "string" && value.length <= 254 && address.test(value)) return value.toWellFormed();
  refuse("EMAIL_TYPE_INVALID_EMAIL", "Not a well formed email address.");
  return "";
});

/** POST /auth/register: a user name, or a display name that one is made from. */
export const registerForm = z
  .object({
    username: optional(field(readUserName)),
    global_name: optional(text({ min: 1, max: 32, trim: true })),
    email: optional(email),
    password: text({ min: 8, max: 72 }),
    invite: optional(text({ max: 64 })),
    consent: optional(flag()),
  })
  .transform((form, context) => {
    const refuse = (path: string, discord: string, message: string) => {
      context.issues.push({ code: "custom", input: form, path: [path], message, params: { discord } });
    };
    if (form.username === undefined && form.global_name === undefined) {
      refuse("username", "BASE_TYPE_REQUIRED", "This field is required");
    }
    if (form.consent === false) refuse("consent", "CONSENT_REQUIRED", "You must agree to the terms.");
    return form;
  });

/** POST /auth/login: a user name or an e-mail address, and the password. */
export const loginForm = z.object({
  login: text({ min: 1, max: 254, trim: true }),
  password: text({ min: 1, max: 72 }),
});
