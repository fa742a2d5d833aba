// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/flame_script.hpp"

namespace tcpledger {
namespace {

constexpr std::string_view kScript = R"js(
(() => {
'use strict';
const script = document.currentScript;
const svg = (script && script.ownerSVGElement) || document.documentElement;
const find = (selector) => svg.querySelector(selector);
const number = (element, name) => Number(element.getAttribute(name));
const detail = find('.detail'), back = find('.back'), seek = find('.seek'), found = find('.found');
const hint = detail.textContent, column = number(svg, 'data-column'), near = 0.02;

// A title is made of lines: name, file and line if known, sockets.
const frames = Array.from(svg.querySelectorAll('.f'), (group) => {
  const rect = group.querySelector('rect');
  const lines = group.querySelector('title').textContent.split('\n');
  return {
    group, rect, name: lines[0],
    location: lines.length > 2 ? lines[1].replace(/^.*\//, '') : '',
    count: group.classList.contains('same') ? '' : lines[lines.length - 1].split(' ')[0],
    all: lines.join(' \u2003 '),
    x: number(rect, 'x'), y: number(rect, 'y'), width: number(rect, 'width'),
    drawn: Array.from(group.querySelectorAll('text')),
  };
});
const root = frames[0], right = (frame) => frame.x + frame.width;

const wide = (c) => c.codePointAt(0) >= 0x1100;
const measure = (text) => Array.from(text).reduce((sum, c) => sum + (wide(c) ? 2 : 1), 0);
const cut = (text, columns) => {
  if (measure(text) <= columns) return text;
  let room = columns - 1, kept = '';
  for (const c of text) {
    room -= wide(c) ? 2 : 1;
    if (room < 0) break;
    kept += c;
  }
  return kept + '\u2026';
};

const without_arguments = (name) => {
  const close = name.lastIndexOf(')');
  if (close < 0 || name.includes('>', close)) return name;
  for (let at = close, open = 0; at > 0; --at) {
    open += (name[at] === ')') - (name[at] === '(');
    if (open === 0) return name.slice(0, at);
  }
  return name;
};
const without_qualifiers = (name) => {
  for (let at = name.length - 1, open = 0; at > 0; --at) {
    open += (')>'.includes(name[at])) - ('(<'.includes(name[at]));
    const parts = open === 0 && name[at] === ':' && name[at - 1] === ':';
    if (parts && at + 1 < name.length) return name.slice(at + 1);
  }
  return name;
};
const fit_name = (name, columns) => {
  if (measure(name) > columns) name = without_arguments(name);
  if (measure(name) > columns) name = without_qualifiers(name);
  return cut(name, columns);
};

const fit = (frame, columns) => {
  const whole = measure(frame.name), label = {name: '', location: '', count: ''};
  if (columns < Math.min(3, whole)) return label;
  const take = (part, least) => {
    const wanted = measure(frame[part]) + 2;
    if (!frame[part] || columns < wanted + Math.min(whole, least)) return;
    columns -= wanted;
    label[part] = frame[part];
  };
  take('count', 8);
  take('location', 20);
  label.name = fit_name(frame.name, columns);
  return label;
};

const make = (parent, tag, attributes, text) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.textContent = text;
  parent.appendChild(element);
  return element;
};

const write = (frame, x, width) => {
  const label = fit(frame, Math.floor((width - 8) / column)), y = frame.y + 13;
  if (label.name) {
    const text = make(frame.group, 'text', {x: x + 4, y, stroke: 'none'}, label.name);
    const style = {dx: 2 * column, 'fill-opacity': 0.72};
    if (label.location) make(text, 'tspan', style, label.location);
  }
  if (label.count) {
    make(frame.group, 'text', {x: x + width - 4, y, stroke: 'none', 'text-anchor': 'end'}, label.count);
  }
};

const place = (frame, x, width) => {
  frame.rect.setAttribute('x', x);
  frame.rect.setAttribute('width', width);
  frame.group.querySelectorAll('text').forEach((text) => text.remove());
  if (x === frame.x && width === frame.width) frame.group.append(...frame.drawn);
  else write(frame, x, width);
};

const zoom = (target) => {
  const scale = root.width / target.width;
  for (const frame of frames) {
    const above = frame.y <= target.y, left = frame.x - target.x, beyond = right(frame) - right(target);
    const below = !above && left <= near && beyond >= -near;
    const within = above && left >= -near && beyond <= near;
    frame.group.style.display = below || within ? '' : 'none';
    frame.group.style.opacity = below && target !== root ? 0.7 : '';
    if (below) place(frame, root.x, root.width);
    else if (within) place(frame, root.x + left * scale, frame.width * scale);
  }
  back.style.visibility = target === root ? 'hidden' : 'visible';
};

// The share of the sockets that have a match on their stack: each counts once.
const share = (hits) => {
  let sum = 0, end = root.x;
  for (const hit of hits.sort((a, b) => a.x - b.x)) {
    sum += Math.max(0, right(hit) - Math.max(end, hit.x));
    end = Math.max(end, right(hit));
  }
  return sum / root.width;
};

const search = (wanted) => {
  const part = wanted.toLowerCase();
  const hits = frames.filter((frame) => {
    const hit = part !== '' && frame !== root && frame.all.toLowerCase().includes(part);
    frame.group.classList.toggle('hit', hit);
    return hit;
  });
  const percent = (100 * share(hits)).toFixed(1);
  found.textContent = part === '' ? '' : hits.length + ' found, ' + percent + '%';
};

const ask = () => {
  const answer = window.prompt('Part of a name or a file (nothing: clear)', '');
  if (answer !== null) search(answer);
};
const frame_of = new Map(frames.map((frame) => [frame.group, frame]));
const frame_at = (target) => frame_of.get(target.closest('.f'));

svg.addEventListener('click', (event) => {
  if (back.contains(event.target)) return zoom(root);
  if (seek.contains(event.target)) return ask();
  const frame = frame_at(event.target);
  if (frame) zoom(frame);
});
svg.addEventListener('mouseover', (event) => {
  const frame = frame_at(event.target);
  detail.textContent = frame ? cut(frame.all, Math.floor(root.width / column)) : hint;
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') { zoom(root); search(''); }
});
svg.classList.add('live');
seek.style.visibility = 'visible';
})();
)js";

static_assert(kScript.find("]]>") == std::string_view::npos);

} // namespace

std::string_view flame_script()
{
    return kScript;
}

} // namespace tcpledger
