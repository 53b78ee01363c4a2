import { Writer } from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { ProtobufEncoder } from './protobuf.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('ProtobufEncoder', () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER])(
    'writes the integer %d',
    (value) => {
      const bytes = new ProtobufEncoder().encode((message) => message.integer(200, value));
      expect(hex(bytes)).toBe(
        hex(
          new Writer()
            .uint32(200 << 3)
            .int64(value)
            .finish(),
        ),
      );
    },
  );

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses %d', (value) => {
    expect(() => new ProtobufEncoder().encode((message) => message.integer(1, value))).toThrow(
      `Expected an integer from 0 and up, got \`${value}\``,
    );
  });

  it('writes texts of any letters, an empty one too, and nothing for one that is not there', () => {
    const texts = ['', 'Stickstoff für Äcker', '窒素 🌾'];
    const bytes = new ProtobufEncoder().encode((message) => {
      for (const text of texts) message.text(16, text);
      message.text(3, undefined);
    });
    const expected = new Writer();
    for (const text of texts) expected.uint32((16 << 3) | 2).string(text);
    expect(hex(bytes)).toBe(hex(expected.finish()));
  });

  it.each([0, 1, 125, 126, 127, 4_000, 16_379, 16_380, 16_384, 2_097_147, 2_097_148])(
    'writes messages in messages, where the inner has a text of %d bytes',
    (length) => {
      const text = 'x'.repeat(length);
      const bytes = new ProtobufEncoder().encode((outer) => {
        outer.message(1, (inner) => {
          inner.message(2, (innermost) => innermost.text(1, text));
          inner.integer(3, 7);
        });
        outer.message(4, () => {});
        outer.text(5, 'after');
      });
      const expected = new Writer();
      expected.uint32((1 << 3) | 2).fork();
      expected
        .uint32((2 << 3) | 2)
        .fork()
        .uint32((1 << 3) | 2)
        .string(text)
        .ldelim();
      expected
        .uint32(3 << 3)
        .int64(7)
        .ldelim();
      expected
        .uint32((4 << 3) | 2)
        .fork()
        .ldelim();
      expected.uint32((5 << 3) | 2).string('after');
      expect(Buffer.from(bytes).equals(expected.finish())).toBe(true);
    },
  );

  it('begins anew with every message', () => {
    const encoder = new ProtobufEncoder();
    encoder.encode((message) => message.text(1, 'a long first one'));
    expect(hex(encoder.encode((message) => message.integer(1, 5)))).toBe('0805');
  });
});
