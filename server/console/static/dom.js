// Elements from text and lists, put in place of those that are there with as little change as can be:
// what did not change keeps its focus, its selection and its place for a screen reader.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function h(tag, attributes, ...children) {
  return made(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return made(document.createElementNS(SVG, tag), attributes, children);
}

function made(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...present(children));
  return element;
}

function present(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false);
}

// Makes `wanted` the children of `host`.
export function fill(host, ...wanted) {
  const nodes = present(wanted).map((each) =>
    each instanceof Node ? each : document.createTextNode(String(each)),
  );
  const held = [...host.childNodes];
  nodes.forEach((node, place) => {
    const old = held[place];
    if (old === undefined) host.append(node);
    else if (!isAlike(old, node)) old.replaceWith(node);
    else update(old, node);
  });
  held.slice(nodes.length).forEach((old) => old.remove());
}

function isAlike(old, node) {
  const key = (each) => each.dataset?.key ?? "";
  return old.nodeType === node.nodeType && old.nodeName === node.nodeName && key(old) === key(node);
}

function update(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether details are open is the reader's affair.
    if (!node.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  fill(old, ...node.childNodes);
}

export function show(element, isShown) {
  element.hidden = !isShown;
}

export function say(element, text) {
  element.hidden = !text;
  if (element.textContent !== text) element.textContent = text;
}
