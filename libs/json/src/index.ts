export { jsonString, type ParseJsonOptions, parseJson } from "./parse.ts";
