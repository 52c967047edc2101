import type { TrustedKey } from "#verifier";

/** ML-DSA keys with the code that checks them; who has none does not load it. */
export async function withMlDsa(vkeys: readonly string[]): Promise<TrustedKey[]> {
  const { isMlDsaKey, mlDsaVerifier } = await import("#verifier/ml-dsa");
  return [...new Set(vkeys)].map((vkey) => (isMlDsaKey(vkey) ? mlDsaVerifier(vkey) : vkey));
}
