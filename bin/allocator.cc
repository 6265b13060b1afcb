// What jemalloc, a node's allocator, is told before main(). $MALLOC_CONF has the last word, flag by
// flag.
#include <jemalloc/jemalloc.h>

// thp:always: most of a node's memory are its keys, which stay. In pages of 2 MiB, where the
// machine has any to give, a restart is not one page fault after the other.
// narenas:1: few threads allocate much, and what one arena has free is of no use to another.
// dirty_decay_ms: what a snapshot or a member that catches up has taken goes back within half a
// minute; sooner, and each batch of a busy node would touch its memory for the first time again.
const char* malloc_conf = "thp:always,narenas:1,dirty_decay_ms:30000";
