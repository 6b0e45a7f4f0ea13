import { globSync } from 'node:fs'
import { root, read } from './installed.ts'

/** The blocks of TypeScript in a page, one after the other: they are one program. */
export function codeOf(page: string): string {
  return blocksIn(read(page)).join('\n')
}

/**
 * The examples in the library's comments, each in a function of its own, where a node and what it has stored are at
 * hand as the comments have them.
 */
export function commentedCode(): string {
  const files = globSync('src/library/*.ts', { cwd: root })
  const blocks = files.flatMap((file) => blocksIn(read(file).replace(/^ *\* ?/gm, '')))
  const isImport = (line: string) => line.startsWith('import ')
  const imports = new Set(blocks.flatMap((block) => block.split('\n').filter(isImport)))
  const functions = blocks.map((block, index) => {
    const body = block.split('\n').filter((line) => !isImport(line))
    return `export async function example${index}() {\n${body.join('\n')}\n}`
  })
  return [
    ...imports,
    "import type { Drey, PutFolderReply, PutReply } from 'drey'",
    'declare const node: Drey',
    'declare const [stored, photos, data]: [PutReply, PutFolderReply, string]',
    ...functions,
  ].join('\n')
}

function blocksIn(text: string): string[] {
  return Array.from(text.matchAll(/^```ts\n(.*?)^```/gms), ([, code]) => code!)
}
