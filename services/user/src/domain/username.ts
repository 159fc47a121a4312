import { type FieldError, GuildhallError } from "@guildhall/errors";

/** Lower-case letters, digits, `_` and `.`, 2 to 32 of them, no two dots in a row (Discord's rule since 2023). */
const usernamePattern = /^(?!.*\.\.)[a-z0-9_.]{2,32}$/;

/** What somebody asks for when registering. */
export interface Registration {
  readonly username: string;
  readonly globalName: string;
  readonly email: string;
  readonly password: string;
}

function fieldError(field: string, code: string, message: string): FieldError {
  return { path: [field], code, message };
}

/**
 * Returns the registration with its username lower-cased; throws INVALID_FORM naming every wrong field. An empty password
 * is allowed only to `withoutPassword`: such an account has tokens and cannot log in.
 */
export function checkRegistration(asked: Registration, withoutPassword = false): Registration {
  const username = asked.username.toLowerCase();
  const fields: FieldError[] = [];
  if (!usernamePattern.test(username)) {
    const message = "Username must be 2 to 32 letters, digits, underscores or periods, with no two periods in a row.";
    fields.push(fieldError("username", "USERNAME_INVALID", message));
  }
  const length = [...asked.password].length;
  if ((length < 8 || length > 72) && !(length === 0 && withoutPassword)) {
    fields.push(fieldError("password", "BASE_TYPE_BAD_LENGTH", "Must be between 8 and 72 in length."));
  }
  if (asked.email !== "" && !/^[^@\s]{1,64}@[^@\s]{1,255}$/.test(asked.email)) {
    fields.push(fieldError("email", "EMAIL_TYPE_INVALID_EMAIL", "Not a well formed email address."));
  }
  if ([...asked.globalName].length > 32) {
    fields.push(fieldError("global_name", "BASE_TYPE_MAX_LENGTH", "Must be 32 or fewer in length."));
  }
  if (fields.length > 0) throw new GuildhallError("INVALID_FORM", "Invalid Form Body", { fields });
  return { ...asked, username, email: asked.email.toLowerCase() };
}

/** The error for a name or address that somebody else has. */
export function takenError(field: "username" | "email"): GuildhallError {
  const error =
    field === "username"
      ? fieldError("username", "USERNAME_ALREADY_TAKEN", "Username is unavailable. Try another one.")
      : fieldError("email", "EMAIL_ALREADY_REGISTERED", "Email is already registered.");
  return new GuildhallError("INVALID_FORM", "Invalid Form Body", { fields: [error] });
}

/** One answer for an unknown login and a wrong password, so that neither tells which accounts exist. */
export function invalidLoginError(): GuildhallError {
  const message = "Login or password is invalid.";
  const fields = ["login", "password"].map((field) => fieldError(field, "INVALID_LOGIN", message));
  return new GuildhallError("INVALID_FORM", "Invalid Form Body", { fields });
}
