// What draws the pages: Preact, with htm in the place of a compiler. Text that is put into a template is never read as markup.
export { html, render, useState, useEffect, useRef, useMemo, useCallback, useContext, createContext } from "../vendor/htm-preact.js";
