/** Versions of the API that are served, as the path names them. */
const base = /^\/+api(?:\/v(?:10|9))?(?=[/?]|$)/;
const versioned = /^\/+api\/+v\d+(?=[/?]|$)/;

/** Where no route lies. */
const nowhere = "/-";

/** The URL below the API's base; what is outside of it leads nowhere. */
export function routeUrl(url: string): string {
  const match = base.exec(url);
  if (match === null || isUnknownVersion(url)) return nowhere;
  const rest = url.slice(match[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Whether a URL names a version of the API that is not served. */
export function isUnknownVersion(url: string): boolean {
  const match = versioned.exec(url);
  return match !== null && !/v(?:10|9)$/.test(match[0]);
}
