// The checksum of a file is that of its pieces, joined in the order of their places.
import assert from "node:assert/strict";
import test from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { joinedCrc } from "../../../src/series/crc.ts";

test("joined checksums are the checksum of what is joined", () => {
  const piece = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(piece, piece, (a, b) => {
      assert.equal(joinedCrc(crc32(a), crc32(b), b.length), crc32(Buffer.concat([a, b])));
    }),
  );
});

test("also where the second is larger than what a machine word counts in bits", () => {
  const zeros = new Uint8Array(1 << 20);
  let crc = 0;
  for (let i = 0; i < 600; i++) crc = crc32(zeros, crc);
  const first = crc32("first");
  let both = first;
  for (let i = 0; i < 600; i++) both = crc32(zeros, both);
  assert.equal(joinedCrc(first, crc, 600 * zeros.length), both);
});
