// The source of the coding kernel, in WebAssembly's text format. `node scripts/build-kernel.mjs`
// translates it into src/coding/kernel.wasm and kernel-relaxed.wasm; a test compares them with it.

/** At most this many output shards are computed in one pass over the inputs. */
export const rowsMax = 4

/**
 * @param {'i8x16.swizzle' | 'i8x16.relaxed_swizzle'} swizzle looks a nibble up in a table of 16 bytes;
 *   the relaxed one leaves open what happens to indices above 15, which do not occur here
 */
export function kernelSource(swizzle) {
  const rows = Array.from({ length: rowsMax }, (_, index) => multiplyRows(index + 1, swizzle))
  return `(module
  ;; The pool of the node: inputs and outputs stand in it, and nothing is copied in or out.
  (import "env" "memory" (memory 1 65536 shared))
${rows.join('\n')})
`
}

/**
 * out[r] = sum over c of matrix[r][c] * in[c], for a fixed number of rows. A product in GF(2^8) is the
 * sum of two look-ups, one a nibble (Plank, Greenan, Miller: Screaming Fast Galois Field Arithmetic Using
 * Intel SIMD Instructions, 2013). Two vectors a turn; the last turn overlaps the one before it, so that
 * exactly \`length\` bytes are written. It takes 32 of them at least.
 */
function multiplyRows(rows, swizzle) {
  const each = (line) => Array.from({ length: rows }, (_, row) => line(row)).join('\n')
  return `
  ;; inputs, outputs: addresses of lists of addresses; tables: 32 bytes for each column and row
  (func (export "multiply${rows}") (param $inputs i32) (param $columns i32) (param $outputs i32)
    (param $tables i32) (param $length i32)
    (local $at i32) (local $column i32) (local $table i32) (local $in i32)
    (local $x v128) (local $y v128)
    (local $xlow v128) (local $xhigh v128) (local $ylow v128) (local $yhigh v128)
${each((r) => `    (local $a${r} v128) (local $b${r} v128)`)}
    (loop $turns
${each(
  (r) => `      (local.set $a${r} (v128.const i64x2 0 0))
      (local.set $b${r} (v128.const i64x2 0 0))`,
)}
      (local.set $column (i32.const 0))
      (local.set $table (local.get $tables))
      (loop $inputs_of_turn
        (local.set $in (i32.add (local.get $at) (i32.load (i32.add (local.get $inputs)
          (i32.shl (local.get $column) (i32.const 2))))))
        (local.set $x (v128.load (local.get $in)))
        (local.set $y (v128.load offset=16 (local.get $in)))
        (local.set $xlow (v128.and (local.get $x) (i8x16.splat (i32.const 15))))
        (local.set $ylow (v128.and (local.get $y) (i8x16.splat (i32.const 15))))
        (local.set $xhigh (i8x16.shr_u (local.get $x) (i32.const 4)))
        (local.set $yhigh (i8x16.shr_u (local.get $y) (i32.const 4)))
${each((r) => sum(r, 'a', 'x', swizzle))}
${each((r) => sum(r, 'b', 'y', swizzle))}
        (local.set $table (i32.add (local.get $table) (i32.const ${rows * 32})))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $inputs_of_turn (i32.lt_u (local.get $column) (local.get $columns))))
${each(
  (
    r,
  ) => `      (local.set $in (i32.add (local.get $at) (i32.load offset=${r * 4} (local.get $outputs))))
      (v128.store (local.get $in) (local.get $a${r}))
      (v128.store offset=16 (local.get $in) (local.get $b${r}))`,
)}
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (if (i32.and
            (i32.lt_u (local.get $at) (local.get $length))
            (i32.gt_u (i32.add (local.get $at) (i32.const 32)) (local.get $length)))
        (then (local.set $at (i32.sub (local.get $length) (i32.const 32)))))
      (br_if $turns (i32.lt_u (local.get $at) (local.get $length)))))`
}

function sum(row, into, from, swizzle) {
  return `        (local.set $${into}${row} (v128.xor (local.get $${into}${row}) (v128.xor
          (${swizzle} (v128.load offset=${row * 32} (local.get $table)) (local.get $${from}low))
          (${swizzle} (v128.load offset=${row * 32 + 16} (local.get $table)) (local.get $${from}high)))))`
}
