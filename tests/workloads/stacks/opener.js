// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node opener.js PORT COUNT [slow]: opens COUNT connections by a known path, one every half second if told so, and
// ends without closing one.
// Node calls connect() from its next tick, where no caller is to be seen, unless the name is looked
// up by a function that answers at once.
"use strict";
const net = require("net");

const [port, count] = process.argv.slice(2, 4).map(Number);
const pause = process.argv[4] === "slow" ? 500 : 20;
const kept = [];

function takeFromPool() { // line of takeFromPool
    const lookup = (name, options, done) => done(null, "127.0.0.1", 4);
    const socket = net.connect({ port, host: "shop.test", lookup, autoSelectFamily: false,
                                 allowHalfOpen: true });
    kept.push(socket);
    return socket;
}

function placeOrder(number) { // line of placeOrder
    const socket = takeFromPool();
    return number + (socket ? 1 : 0);
}

function next(number) {
    if (number === count) {
        process.reallyExit(0);
    }
    placeOrder(number);
    kept[number].once("connect", () => setTimeout(next, pause, number + 1));
}
next(0);
