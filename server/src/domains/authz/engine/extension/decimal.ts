import { type Long, long } from "../long.ts";
import type { Extension } from "../value.ts";

/** A number with four decimal places, kept as ten-thousandths in 64 bits. */
export interface Decimal extends Extension {
  readonly extension: "decimal";
  readonly tenThousandths: Long;
}

const PLACES = 4;
const FORM = /^(-?\d+)\.(\d{1,4})$/;

export function decimal(text: string): Decimal | string {
  const form = FORM.exec(text);
  if (form === null) return "a decimal is written with one to four decimal places, like 12.50";
  const [, whole = "", fraction = ""] = form;
  if (whole.length > 20) return OUT_OF_RANGE;
  const tenThousandths = long(BigInt(whole + fraction.padEnd(PLACES, "0")));
  if (tenThousandths === null) return OUT_OF_RANGE;
  return { extension: "decimal", key: String(tenThousandths), text, tenThousandths };
}

const OUT_OF_RANGE = "a decimal is between -922337203685477.5808 and 922337203685477.5807";
