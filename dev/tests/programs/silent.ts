// Takes an errand and never answers; ends at once when that is what it is told.
process.on("message", ({ input }: { readonly input: unknown }) => {
  if (input === "end") process.exit(3);
});
process.once("disconnect", () => process.exit(1));
