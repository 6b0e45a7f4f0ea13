// The source of the coding kernel, in WebAssembly's text format. `node scripts/build-kernel.mjs`
// translates it into src/coding/kernel.wasm and kernel-relaxed.wasm; a test compares them with it.

const rowsMax = 4 // Output shards computed in one pass over the inputs.
const vectors = 2 // Of 16 bytes, in a turn: with 4 rows, sums and nibbles fill the 15 registers.
const turnBytes = 16 * vectors

/**
 * @param {'i8x16.swizzle' | 'i8x16.relaxed_swizzle'} swizzle looks a nibble up in a table of 16 bytes;
 *   the relaxed one leaves open what happens to indices above 15, which do not occur here
 */
export function kernelSource(swizzle) {
  return `(module
  ;; The pool of the node: inputs and outputs stand in it, and nothing is copied in or out.
  (import "env" "memory" (memory 1 65536 shared))
${lines(rowsMax, (row) => multiplyRows(row + 1, swizzle))})
`
}

/**
 * out[r] = sum over c of matrix[r][c] * in[c], for a fixed number of rows. A product in GF(2^8) is the
 * sum of two look-ups, one a nibble (Plank, Greenan, Miller: Screaming Fast Galois Field Arithmetic Using
 * Intel SIMD Instructions, 2013). A table is loaded once a turn, for all vectors. The last turn overlaps
 * the one before it, so that exactly \`length\` bytes are written: 32 of them at least.
 */
function multiplyRows(rows, swizzle) {
  const perRow = (line) => lines(rows, line)
  const perVector = (line) => lines(vectors, line)
  return `
  ;; inputs, outputs: lists of addresses; tables: 32 bytes for each column and row
  (func (export "multiply${rows}") (param $inputs i32) (param $columns i32) (param $outputs i32)
    (param $tables i32) (param $length i32)
    (local $inputs_end i32) (local $input i32) (local $table i32) (local $at i32) (local $here i32)
    (local $nibble v128) (local $products v128)
${perVector((v) => `    (local $x${v} v128) (local $low${v} v128) (local $high${v} v128)`)}
${perRow((r) => perVector((v) => `    (local $sum${r}_${v} v128)`))}
    (local.set $nibble (i8x16.splat (i32.const 15)))
    (local.set $inputs_end (i32.add (local.get $inputs) (i32.shl (local.get $columns) (i32.const 2))))
    (loop $turns
${perRow((r) => perVector((v) => `      (local.set $sum${r}_${v} (v128.const i64x2 0 0))`))}
      (local.set $input (local.get $inputs))
      (local.set $table (local.get $tables))
      (loop $inputs_of_turn
        (local.set $here (i32.add (local.get $at) (i32.load (local.get $input))))
${perVector(nibblesOf)}
${perRow((r) => addProducts(r, 0, 'low', swizzle) + addProducts(r, 16, 'high', swizzle))}
        (local.set $table (i32.add (local.get $table) (i32.const ${rows * 32})))
        (local.set $input (i32.add (local.get $input) (i32.const 4)))
        (br_if $inputs_of_turn (i32.lt_u (local.get $input) (local.get $inputs_end))))
${perRow(storeSums)}
      (local.set $at (i32.add (local.get $at) (i32.const ${turnBytes})))
      (if (i32.and
            (i32.lt_u (local.get $at) (local.get $length))
            (i32.gt_u (i32.add (local.get $at) (i32.const ${turnBytes})) (local.get $length)))
        (then (local.set $at (i32.sub (local.get $length) (i32.const ${turnBytes})))))
      (br_if $turns (i32.lt_u (local.get $at) (local.get $length)))))`
}

/** i16x8.shr_u and a mask, because x86 has no shift of single bytes. */
function nibblesOf(v) {
  return `        (local.set $x${v} (v128.load offset=${16 * v} (local.get $here)))
        (local.set $low${v} (v128.and (local.get $x${v}) (local.get $nibble)))
        (local.set $high${v}
          (v128.and (i16x8.shr_u (local.get $x${v}) (i32.const 4)) (local.get $nibble)))`
}

function addProducts(row, half, nibbles, swizzle) {
  const add = (v) => `
        (local.set $sum${row}_${v} (v128.xor (local.get $sum${row}_${v})
          (${swizzle} (local.get $products) (local.get $${nibbles}${v}))))`
  return `
        (local.set $products (v128.load offset=${row * 32 + half} (local.get $table)))${lines(vectors, add)}`
}

function storeSums(row) {
  const store = (v) =>
    `      (v128.store offset=${16 * v} (local.get $here) (local.get $sum${row}_${v}))`
  return `      (local.set $here
        (i32.add (local.get $at) (i32.load offset=${row * 4} (local.get $outputs))))
${lines(vectors, store)}`
}

function lines(count, line) {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n')
}
