// Small graphs, drawn as SVG: nodes in layers, every arrow leading on. `Graph` at the end is what pages use; above it is how places are found.
import { html, useEffect, useMemo, useRef, useState } from "./html.js";

const PAD = 14;
const BETWEEN = 28;
const LINE = 20;

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;

/**
 * @param {string} text
 * @param {string} font
 */
function widthOf(text, font) {
  ruler ||= document.createElement("canvas").getContext("2d");
  // A browser that draws nothing measures nothing.
  if (!ruler) return text.length * 8;
  ruler.font = font;
  return Math.ceil(ruler.measureText(text).width);
}

const SANS = getComputedStyle(document.documentElement).fontFamily || "sans-serif";
const TITLE = `600 14px ${SANS}`;
const NOTE = `400 12px ${SANS}`;

// A node as a box, with its size; `notes` are lines below the title.
function boxed(node) {
  const notes = node.notes || [];
  const wide = Math.max(widthOf(node.title, TITLE), ...notes.map((note) => widthOf(note, NOTE)));
  return { ...node, notes, width: Math.max(72, wide + 2 * PAD), height: 2 * PAD + LINE + notes.length * 18 - 6 };
}

// The edges without those that lead back to where they came from.
function forward(nodes, edges) {
  const state = new Map();
  const kept = [];
  const visit = (id) => {
    state.set(id, "open");
    for (const edge of edges.filter((one) => one.from === id)) {
      if (state.get(edge.to) === "open") continue;
      kept.push(edge);
      if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(id, "done");
  };
  const isEntered = new Set(edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
  const order = [...nodes.filter((node) => !isEntered.has(node.id)), ...nodes];
  order.forEach((node) => state.has(node.id) || visit(node.id));
  return kept;
}

// How many steps at most lead to each node.
function depths(nodes, edges) {
  const depth = new Map(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false;
    for (const { from, to } of edges) {
      if (depth.get(to) < depth.get(from) + 1) {
        depth.set(to, depth.get(from) + 1);
        moved = true;
      }
    }
    if (!moved) break;
  }
  // What nothing leads to stands right above what it leads to.
  for (const node of nodes) {
    const below = edges.filter((edge) => edge.from === node.id).map((edge) => depth.get(edge.to));
    if (below.length > 0 && !edges.some((edge) => edge.to === node.id)) depth.set(node.id, Math.min(...below) - 1);
  }
  return depth;
}

// Layers of spots: nodes, and bends where a long edge passes by.
function layered(nodes, edges) {
  const depth = depths(nodes, edges);
  const layers = [];
  const put = (spot, at) => (layers[at] ||= []).push(spot);
  const spots = new Map(nodes.map((node) => [node.id, { node, up: [], down: [] }]));
  nodes.forEach((node) => put(spots.get(node.id), depth.get(node.id)));
  const ways = edges.map((edge) => {
    const way = [spots.get(edge.from)];
    for (let at = depth.get(edge.from) + 1; at < depth.get(edge.to); at += 1) {
      const bend = { up: [], down: [] };
      put(bend, at);
      way.push(bend);
    }
    way.push(spots.get(edge.to));
    way.slice(1).forEach((spot, n) => {
      spot.up.push(way[n]);
      way[n].down.push(spot);
    });
    return { edge, way };
  });
  return { layers: layers.filter(Boolean), ways };
}

const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

// Orders each layer by where its neighbours stand, so that few edges cross.
function untangle(layers) {
  const number = (layer) =>
    layer.forEach((spot, n) => {
      spot.rank = n;
    });
  layers.forEach(number);
  for (let round = 0; round < 6; round += 1) {
    const isDown = round % 2 === 0;
    for (const layer of isDown ? layers : [...layers].reverse()) {
      const want = new Map(
        layer.map((spot) => {
          const near = isDown ? spot.up : spot.down;
          return [spot, near.length > 0 ? mean(near.map((other) => other.rank)) : spot.rank];
        }),
      );
      layer.sort((one, two) => want.get(one) - want.get(two));
      number(layer);
    }
  }
}

// Places along a layer: near the neighbours, never on one another.
function spread(layers, sizeOf) {
  for (const layer of layers) {
    let at = 0;
    for (const spot of layer) {
      spot.half = spot.node ? sizeOf(spot.node) / 2 : 8;
      spot.at = at + spot.half;
      at += 2 * spot.half + BETWEEN;
    }
    layer.forEach((spot) => {
      spot.at -= at / 2;
    });
  }
  for (let round = 0; round < 12; round += 1) {
    for (const layer of round % 2 === 0 ? layers : [...layers].reverse()) {
      layer.forEach((spot) => {
        const near = [...spot.up, ...spot.down];
        if (near.length > 0) spot.at = mean(near.map((other) => other.at));
      });
      const apart = (one, two) => one.half + two.half + BETWEEN;
      const wanted = mean(layer.map((spot) => spot.at));
      for (let n = 1; n < layer.length; n += 1) layer[n].at = Math.max(layer[n].at, layer[n - 1].at + apart(layer[n - 1], layer[n]));
      const off = mean(layer.map((spot) => spot.at)) - wanted;
      layer.forEach((spot) => {
        spot.at -= off;
      });
    }
  }
  const least = Math.min(...layers.flat().map((spot) => spot.at - spot.half));
  layers.flat().forEach((spot) => {
    spot.at -= least;
  });
}

function placed(given, edges, across) {
  const nodes = given.map(boxed);
  const kept = forward(nodes, edges);
  const { layers, ways } = layered(nodes, kept);
  untangle(layers);
  spread(layers, (node) => (across ? node.height : node.width));
  const alongOf = (node) => (across ? node.width : node.height);
  let along = 0;
  layers.forEach((layer, n) => {
    const thick = Math.max(...layer.map((spot) => (spot.node ? alongOf(spot.node) : 0)));
    layer.forEach((spot) => {
      spot.along = along + thick / 2;
      spot.thick = spot.node ? alongOf(spot.node) : thick;
    });
    const labels = ways.filter(({ way }) => way.slice(0, -1).some((spot) => layer.includes(spot))).map(({ edge }) => widthOf(edge.label || "", NOTE));
    along += thick + (n === layers.length - 1 ? 0 : across ? Math.max(48, ...labels.map((width) => width + 36)) : 60);
  });
  const wide = Math.max(...layers.flat().map((spot) => spot.at + spot.half));
  const point = (spot, side) => (across ? [spot.along + (side * spot.thick) / 2, spot.at] : [spot.at, spot.along + (side * spot.thick) / 2]);
  const count = (side, id) => kept.filter((edge) => edge[side] === id).length;
  // A label stands where its edge is not among others yet, or no longer.
  const lines = ways.map(({ edge, way }) =>
    lineOf(edge, way, point, across, count("to", edge.to) > count("from", edge.from) ? 0.3 : count("from", edge.from) > 1 ? 0.7 : 0.5),
  );
  return { spots: layers.flat().filter((spot) => spot.node), lines, width: across ? along : wide, height: across ? wide : along, point };
}

// An edge as a curve that leaves and arrives along the way of the graph; where its label stands; and its head.
function lineOf(edge, way, point, across, share) {
  const parts = [];
  const stops = [point(way[0], 1), ...way.slice(1, -1).flatMap((spot) => [point(spot, -1), point(spot, 1)]), point(way[way.length - 1], -1)];
  const [endX, endY] = stops[stops.length - 1];
  stops[stops.length - 1] = across ? [endX - 7, endY] : [endX, endY - 7];
  for (let n = 0; n + 1 < stops.length; n += 1) {
    const [[x, y], [toX, toY]] = [stops[n], stops[n + 1]];
    if (n % 2 === 1) {
      parts.push(`L ${toX} ${toY}`);
      continue;
    }
    const bend = across ? (toX - x) / 2 : (toY - y) / 2;
    parts.push(across ? `C ${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}` : `C ${x} ${y + bend} ${toX} ${toY - bend} ${toX} ${toY}`);
  }
  const [from, to] = stops.length > 2 && share > 0.5 ? stops.slice(-2) : stops;
  const ease = share * share * (3 - 2 * share);
  const between = (one, other, by) => one + (other - one) * by;
  const label = across ? [between(from[0], to[0], 0.5), between(from[1], to[1], ease)] : [between(from[0], to[0], ease), between(from[1], to[1], share)];
  const head = across ? `${endX},${endY} ${endX - 8},${endY - 5} ${endX - 8},${endY + 5}` : `${endX},${endY} ${endX - 5},${endY - 8} ${endX + 5},${endY - 8}`;
  return { edge, path: `M ${stops[0][0]} ${stops[0][1]} ${parts.join(" ")}`, label, head };
}

// The edges between the same two nodes are one, with all that is written on them.
function merged(nodes, edges) {
  const known = new Set(nodes.map((node) => node.id));
  const byEnds = new Map();
  for (const edge of edges.filter(({ from, to }) => from !== to && known.has(from) && known.has(to))) {
    const key = JSON.stringify([edge.from, edge.to]);
    const before = byEnds.get(key);
    byEnds.set(key, before ? { ...before, label: [before.label, edge.label].filter(Boolean).join(", ") } : edge);
  }
  return [...byEnds.values()];
}

// Draws `nodes` [{id, title, notes: [text, …], kind}] and `edges` [{from, to, label, kind}]. `title` says to those who cannot see it what it shows;
// what it says in words stands beside it on the page. `across` draws from left to right where there is room for it.
export function Graph({ nodes, edges, title, across = false }) {
  const frame = useRef(null);
  const [room, setRoom] = useState(0);
  useEffect(() => {
    const measure = new ResizeObserver(([entry]) => setRoom(entry.contentRect.width));
    measure.observe(frame.current);
    return () => measure.disconnect();
  }, []);
  const drawn = useMemo(() => {
    const joined = merged(nodes, edges);
    const wide = across ? placed(nodes, joined, true) : null;
    return wide && wide.width + 2 <= room ? wide : placed(nodes, joined, false);
  }, [JSON.stringify([nodes, edges]), across, room]);
  const { spots, lines, width, height, point } = drawn;
  const edge = 2;
  // A little too wide is drawn a little smaller; more than that is scrolled.
  const scale = room > 0 ? Math.max(0.75, Math.min(1, room / (width + 2 * edge))) : 1;
  const [wide, high] = [Math.ceil(width) + 2 * edge, Math.ceil(height) + 2 * edge];
  return html`<div class="graph" ref=${frame} tabindex="0" role="group" aria-label=${title}>
    <svg role="img" aria-label=${title} width=${Math.floor(wide * scale)} height=${Math.ceil(high * scale)} viewBox=${`${-edge} ${-edge} ${wide} ${high}`}>
      ${lines.map(({ edge: one, path, head }) => html`<g key=${`${one.from} ${one.to}`} class=${`edge ${one.kind || ""}`}><path d=${path} /><polygon points=${head} /></g>`)}
      ${spots.map((spot) => {
        const { node } = spot;
        const [x, y] = point(spot, 0);
        const top = y - node.height / 2;
        return html`<g key=${node.id} class=${`node ${node.kind || ""}`}>
          <rect x=${x - node.width / 2} y=${top} width=${node.width} height=${node.height} rx="6" />
          <text x=${x} y=${top + PAD + 12} class="name">${node.title}</text>
          ${node.notes.map((note, n) => html`<text key=${n} x=${x} y=${top + PAD + 31 + n * 18} class="note">${note}</text>`)}
        </g>`;
      })}
      ${lines.map(({ edge: one, label }) => one.label && html`<text key=${`${one.from} ${one.to}`} class=${`label ${one.kind || ""}`} x=${label[0]} y=${label[1] + 4}>${one.label}</text>`)}
    </svg>
  </div>`;
}
