import { payment } from "../system.ts";
import type { Input } from "./face.ts";
import type { World } from "./world.ts";

/** One operation: what has to be there, the input that is answered with it, and inputs that are refused. */
export interface Case {
  readonly operation: string;
  /** Makes what the call needs, and gives its input. */
  prepare(world: World): Promise<Input> | Input;
  /** Fields that every face's own types take and the operation does not; none where it takes no fields. */
  readonly bad?: Input;
  /** Fields that name nothing, and the code that says so. */
  readonly missing?: { readonly input: Input; readonly code: string };
  /** Everybody may call it. */
  readonly isOpen?: true;
  /** One call after the other: the server does few of them at once. */
  readonly oneByOne?: true;
}

export const NOTHING = "00000000-0000-4000-8000-000000000000";
export const missing = (code: string, input: Input = { id: NOTHING }) => ({ input, code });
export const noId: Input = { id: "none" };
export const noItems: Input = { limit: 0 };
export const tooLong = "x".repeat(1_001);

export const assess = ({ ask }: World) => ask("POST", "/v1/risk/transactions", payment());
export const idOf = async (made: Promise<{ id: string }>): Promise<Input> => ({
  id: (await made).id,
});
