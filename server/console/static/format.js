// Figures as a person reads them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value) {
  return whole.format(value);
}

// Three figures at most, whatever the size.
export function figure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return whole.format(value);
  return trimmed(value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3));
}

export function percent(share, digits = 1) {
  if (share === null || share === undefined) return "–";
  const value = share * 100;
  const small = Math.abs(value) > 0 && Math.abs(value) < 0.1 ? 3 : digits;
  return `${trimmed(value.toFixed(small))} %`;
}

export function signed(text) {
  return text.startsWith("-")
    ? `−${text.slice(1)}`
    : text === "–" || /^0( %)?$/.test(text)
      ? text
      : `+${text}`;
}

export function ms(value) {
  return value === null || value === undefined
    ? "–"
    : value >= 100
      ? whole.format(value)
      : value.toFixed(value >= 10 ? 1 : 2);
}

export function perSecond(value) {
  return `${figure(value)}/s`;
}

export function span(seconds) {
  const left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${left} s`;
  if (left < 3600) return `${Math.floor(left / 60)} min ${String(left % 60).padStart(2, "0")} s`;
  if (left < 86400)
    return `${Math.floor(left / 3600)} h ${String(Math.floor((left % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`;
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${figure(value)} ${units[at]}`;
}

export function clock(atMs) {
  const at = new Date(atMs);
  const today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleTimeString("en-GB");
  return today ? time : `${at.toLocaleDateString("en-CA")} ${time}`;
}

// "/srv/models/new" and "student-0123456789ab" by their last part.
export function shortly(place) {
  if (!place) return "as started";
  return place.split("/").filter(Boolean).pop();
}

// The same within a sentence.
export function called(place) {
  return place ? shortly(place) : "the bundle that gateways were started with";
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
