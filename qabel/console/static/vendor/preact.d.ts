// The types of what the page uses of preact.js, for tsc in `make lint`.

/** A part of the page. */
export type Part = any;

export function html(strings: TemplateStringsArray, ...values: any[]): Part;
export function h(type: any, props: any, ...children: any[]): Part;
export function render(part: Part, parent: Element): void;

export type Change<T> = (value: T | ((before: T) => T)) => void;
export function useState<T>(first: T | (() => T)): [T, Change<T>];
export function useReducer<S, A>(reducer: (state: S, action: A) => S, first: S): [S, (action: A) => void];
export function useEffect(work: () => void | (() => void), values?: readonly unknown[]): void;
export function useLayoutEffect(work: () => void | (() => void), values?: readonly unknown[]): void;
export function useRef<T>(first: T): { current: T };
export function useMemo<T>(make: () => T, values: readonly unknown[]): T;
export function useCallback<T>(callback: T, values: readonly unknown[]): T;
export function useErrorBoundary(handler?: (error: unknown) => void): [unknown, () => void];
export function createContext<T>(first: T): any;
export function useContext<T>(context: any): T;

export class Component<P = any, S = any> {
  constructor(props?: P);
  props: P;
  state: S;
  setState(changes: Partial<S>): void;
  render(props: P, state: S): Part;
}
