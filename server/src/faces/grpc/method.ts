import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectRouter, MethodImpl } from "@connectrpc/connect";

/** The library's types ask for generated code; ours are known at run time only. */
export function addMethod(
  router: ConnectRouter,
  method: DescMethod,
  implementation: (...args: never[]) => unknown,
  options = {},
): void {
  router.rpc(method, implementation as unknown as MethodImpl<DescMethod>, options);
}
