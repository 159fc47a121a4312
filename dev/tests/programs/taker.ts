// Takes connections that its parent hands over: tells each client its name, and echoes.
import { makeHandedSockets } from "@guildhall/lifecycle";

// biome-ignore lint/style/noProcessEnv: it is the whole program
const { TAKER: name = "" } = process.env;
const sockets = makeHandedSockets(process);
sockets.take((socket) => {
  socket.on("error", () => {});
  socket.write(`${name}\n`);
  socket.pipe(socket);
});
process.on("SIGTERM", () => {
  sockets.refuse();
  setInterval(() => sockets.isPortClosed && process.exit(0), 10);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ready: { name, address: "", metrics: "", ports: {} } });
