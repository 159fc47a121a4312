import { createCoordinatorClient, createRouterClient, createUserClient, createWorkerLease } from "@guildhall/rpc";
import { answerErrand } from "../errand/answer-errand.ts";
import type { DemoErrand } from "./make-demo.ts";
import { makeDemoSteps } from "./steps.ts";

answerErrand(async ({ file, router, user, coordinator }: DemoErrand) => {
  await using stack = new AsyncDisposableStack();
  const clients = {
    router: stack.use(createRouterClient(router)),
    user: stack.use(createUserClient(user)),
  };
  const leases = stack.use(createCoordinatorClient(coordinator));
  // Ids are made as `api` makes them: under leased bits.
  const { generator } = stack.use(await createWorkerLease(leases, { process: "dev-demo" }));
  return await makeDemoSteps({ ...clients, nextId: () => generator.next(), file });
});
