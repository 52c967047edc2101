/** `control-plane.api-key.create` is `controlPlaneApiKeyCreate`: every word of the name, so that no two can meet. */
export const fieldNameOf = (operation: string): string =>
  operation.replace(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase());

/** `ControlPlaneApiKeyCreate`, the root of the names of types that only this operation has. */
export const typeNameOf = (operation: string): string => capital(fieldNameOf(operation));

/** `expires_at` inside of `ApiKey` is `ApiKeyExpiresAt`. */
export const partNameOf = (parent: string, property: string): string =>
  parent + property.split("_").map(capital).join("");

/** What GraphQL can call a field or an enum's value; two underscores are its own. */
export const isLegalName = (name: string): boolean =>
  /^(?!__)[_A-Za-z][_0-9A-Za-z]*$/.test(name) && !["true", "false", "null"].includes(name);

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
