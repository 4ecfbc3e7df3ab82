// Verifies a saved delivery with the npm packages standardwebhooks and svix, and shows that they refuse tampered ones.
//
//   python manage.py webhooks_listen --workspace <sandbox> --save deliveries     (Ctrl-C after the first event)
//   npm install standardwebhooks svix
//   node docs/examples/verify-delivery.mjs deliveries/00001.json whsec_…
//
// The secret is the endpoint's; --workspace prints that of the endpoint it makes. A delivery is good for five minutes:
// both packages refuse it afterwards.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

// The packages are looked for where you are, not where this file is.
const require = createRequire(join(process.cwd(), "package.json"));
const verifiers = {
  standardwebhooks: require("standardwebhooks").Webhook,
  svix: require("svix").Webhook,
};

const [file, secret] = process.argv.slice(2);
const saved = JSON.parse(readFileSync(file, "utf8"));
const headers = Object.fromEntries(Object.entries(saved.headers).map(([name, value]) => [name.toLowerCase(), value]));
const body = Buffer.from(saved.body_base64, "base64").toString("utf8");

const later = (seconds) => String(Number(headers["webhook-timestamp"]) + seconds);
const [scheme, mac] = headers["webhook-signature"].split(" ")[0].split(",");
const flipped = Buffer.from(mac, "base64").map((byte, place) => (place === 0 ? byte ^ 1 : byte)).toString("base64");
const deliveries = {
  "as it came": [body, headers, true],
  "another body": [body.replace('"type":"', '"type":"x'), headers, false],
  "one byte more": [body + " ", headers, false],
  "printed again": [JSON.stringify(JSON.parse(body), null, 1), headers, false],
  "another id": [body, { ...headers, "webhook-id": headers["webhook-id"] + "0" }, false],
  "another time": [body, { ...headers, "webhook-timestamp": later(1) }, false],
  "an old time": [body, { ...headers, "webhook-timestamp": later(-3600) }, false],
  "another signature": [body, { ...headers, "webhook-signature": `${scheme},${flipped}` }, false],
  "no signature": [body, { ...headers, "webhook-signature": "" }, false],
};

let wrong = 0;
for (const [name, Webhook] of Object.entries(verifiers)) {
  for (const [what, [content, sent, isGood]] of Object.entries(deliveries)) {
    let outcome = "accepted";
    try {
      new Webhook(secret).verify(content, sent);
    } catch (error) {
      outcome = `refused (${error.message})`;
    }
    const isRight = outcome === "accepted" ? isGood : !isGood;
    wrong += isRight ? 0 : 1;
    console.log(`${isRight ? "ok   " : "WRONG"}  ${name.padEnd(16)}  ${what.padEnd(17)}  ${outcome}`);
  }
}
process.exit(wrong === 0 ? 0 : 1);
