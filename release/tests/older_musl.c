// What a musl before 1.2.5 lacks for the programs of today's Alpine: packed relative relocations (RELR, in its loader since 1.2.4),
// and two functions. Preloaded, so its constructor runs before those of the libraries. For tests only; no part of any package.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <sys/mman.h>

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

#ifdef __x86_64__
#define COPY R_X86_64_COPY
#else
#define COPY R_AARCH64_COPY
#endif

static void relocate(ElfW(Addr) base, const ElfW(Addr) *entry, size_t bytes) {
  ElfW(Addr) *next = NULL;
  for (const ElfW(Addr) *end = entry + bytes / sizeof *entry; entry < end; entry++) {
    if ((*entry & 1) == 0) {
      next = (ElfW(Addr) *)(base + *entry);
      *next++ += base;
      continue;
    }
    for (size_t bit = 1; bit < 8 * sizeof *entry; bit++)
      if (*entry >> bit & 1) next[bit - 1] += base;
    next += 8 * sizeof *entry - 1;
  }
}

/** What a library is made of, as far as it matters here. */
struct tables {
  const ElfW(Addr) *packed;
  size_t packed_bytes;
  const ElfW(Rela) *relocations;
  size_t relocations_bytes;
  const ElfW(Sym) *symbols;
  const char *names;
};

static struct tables read_tables(struct dl_phdr_info *info) {
  struct tables found = {0};
  for (int at = 0; at < info->dlpi_phnum; at++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[at];
    if (segment->p_type != PT_DYNAMIC) continue;
    for (const ElfW(Dyn) *tag = (void *)(info->dlpi_addr + segment->p_vaddr); tag->d_tag != DT_NULL; tag++) {
      void *there = (void *)(info->dlpi_addr + tag->d_un.d_ptr);
      switch (tag->d_tag) {
        case DT_RELR: found.packed = there; break;
        case DT_RELRSZ: found.packed_bytes = tag->d_un.d_val; break;
        case DT_RELA: found.relocations = there; break;
        case DT_RELASZ: found.relocations_bytes = tag->d_un.d_val; break;
        case DT_SYMTAB: found.symbols = there; break;
        case DT_STRTAB: found.names = there; break;
      }
    }
  }
  return found;
}

/** Lets us write to what is read-only since it was relocated. */
static void unlock(struct dl_phdr_info *info) {
  for (int at = 0; at < info->dlpi_phnum; at++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[at];
    if (segment->p_type != PT_GNU_RELRO) continue;
    ElfW(Addr) start = (info->dlpi_addr + segment->p_vaddr) & -4096UL;
    mprotect((void *)start, info->dlpi_addr + segment->p_vaddr + segment->p_memsz - start, PROT_READ | PROT_WRITE);
  }
}

static int relocate_library(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  struct tables tables = read_tables(info);
  if (tables.packed == NULL) return 0;
  unlock(info);
  relocate(info->dlpi_addr, tables.packed, tables.packed_bytes);
  return 0;
}

/** The program, which comes first, has copies of variables of the libraries, made before these were relocated. */
static int copy_again(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  struct tables tables = read_tables(info);
  unlock(info);
  for (size_t at = 0; at < tables.relocations_bytes / sizeof(ElfW(Rela)); at++) {
    const ElfW(Rela) *relocation = &tables.relocations[at];
    if (ELF64_R_TYPE(relocation->r_info) != COPY) continue;
    const ElfW(Sym) *symbol = &tables.symbols[ELF64_R_SYM(relocation->r_info)];
    const char *from = dlsym(RTLD_NEXT, tables.names + symbol->st_name);
    char *to = (char *)(info->dlpi_addr + relocation->r_offset);
    for (size_t byte = 0; from != NULL && byte < symbol->st_size; byte++) to[byte] = from[byte];
  }
  return 1;
}

#ifdef WITHOUT_RELR
__attribute__((constructor)) static void before_all(void) {
  dl_iterate_phdr(relocate_library, NULL);
  dl_iterate_phdr(copy_again, NULL);
}
#endif

/** Named by Python's module os; the tests do not call them. */
long preadv2(void) { return -1; }
long pwritev2(void) { return -1; }
