import { matchesGlob } from 'node:path'

export interface LeftOut {
  /** Patterns as shells have them. */
  readonly exclude?: readonly string[]
  /** Whether what begins with a dot is stored. */
  readonly hidden?: boolean
}

/**
 * What a put leaves out, by its path below the folder. A pattern with "/" in it is held against the whole path,
 * one without against the name; one that ends in "/" is for folders alone.
 */
export function leftOut({
  exclude = [],
  hidden = true,
}: LeftOut): (path: string, isFolder: boolean) => boolean {
  return (path, isFolder) => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (!hidden && name.startsWith('.')) return true
    return exclude.some((pattern) => {
      const isForFolders = pattern.endsWith('/')
      const glob = isForFolders ? pattern.slice(0, -1) : pattern
      if (isForFolders && !isFolder) return false
      return matchesGlob(glob.includes('/') ? path : name, glob.replace(/^\//, ''))
    })
  }
}
