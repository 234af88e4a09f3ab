// What a call of the admin API takes and gives, found by its method and path: `GET` and `/users/${id}` are the operation "GET /users/{user}".
import type { Operations } from "./api";

type Segments<Path extends string> = Path extends `${infer First}/${infer Rest}` ? [First, ...Segments<Rest>] : [Path];

// Whether a path that is called fits one that is described, segment by segment.
type Fits<Described extends string[], Called extends string[]> = Described extends [infer One extends string, ...infer More extends string[]]
  ? Called extends [infer Other extends string, ...infer Others extends string[]]
    ? One extends `{${string}}`
      ? Fits<More, Others>
      : Other extends One
        ? Fits<More, Others>
        : false
    : false
  : Called extends []
    ? true
    : false;

type Named<Method extends string, Path extends string> = {
  [Name in keyof Operations]: Name extends `${Method} ${infer Described}` ? (Fits<Segments<Described>, Segments<Path>> extends true ? Name : never) : never;
}[keyof Operations];

/** What the operation answers; anything where the path does not say which one it is. */
export type Answer<Method extends string, Path extends string> = [Named<Method, Path>] extends [never] ? any : Operations[Named<Method, Path>]["answer"];

/** What its body holds; anything where the path does not say which one it is. */
export type Body<Method extends string, Path extends string> = [Named<Method, Path>] extends [never]
  ? any
  : Operations[Named<Method, Path>]["body"] extends undefined
    ? Record<string, never> | undefined
    : Operations[Named<Method, Path>]["body"];
