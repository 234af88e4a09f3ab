// The types of what core/html.js takes from the vendored file: Preact with hooks, and htm. Templates and properties of elements are not checked.

/** What a component returns and `render` draws. */
export interface VNode {
  type: unknown;
  props: any;
}

/** Sets a state, or makes the next one of the one before. */
export type Setter<T> = (next: T | ((before: T) => T)) => void;

export interface Context<T> {
  Provider: (props: { value: T; children?: unknown }) => VNode;
}

export function h(type: unknown, props: object | null, ...children: unknown[]): VNode;
export function html(strings: TemplateStringsArray, ...values: unknown[]): any;
export function render(node: unknown, into: Element | null): void;

// What begins empty is of the kind that is put into it later.
export function useState(initial?: null | undefined | never[] | Record<string, never>): [any, Setter<any>];
export function useState<T>(initial: T | (() => T)): [T, Setter<T>];
export function useRef(initial?: null | undefined | Record<string, never>): { current: any };
export function useRef<T>(initial: T): { current: T };
export function useEffect(effect: () => void | (() => void), inputs?: readonly unknown[]): void;
export function useMemo<T>(make: () => T, inputs?: readonly unknown[]): T;
export function useCallback<F extends (...given: any[]) => unknown>(callback: F, inputs?: readonly unknown[]): F;
export function createContext(initial: null): Context<any>;
export function createContext<T>(initial: T): Context<T>;
export function useContext<T>(context: Context<T>): T;
