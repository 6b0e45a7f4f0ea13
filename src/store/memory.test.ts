import { MemoryStore } from './memory.ts'
import { storeSuite } from './storeSuite.ts'

storeSuite('MemoryStore', async () => new MemoryStore())
