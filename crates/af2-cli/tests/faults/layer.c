// A Vulkan layer for tests: it makes one call fail, as a driver would.
//
//   AF2_FAULT=KIND:N     the N-th call of this kind fails, counted from 1 over all devices of the process
//   AF2_FAULT=KIND:N+    so do all after it
//   AF2_FAULT_COUNTS=FILE  at exit, FILE holds a line "KIND CALLS" for every kind
//
// A `wait` is also a look whether work is done. A failed `submit` or `wait` loses its device: all later ones of that device fail too,
// and those of other devices do not.
//
// The few declarations of Vulkan's ABI that a layer needs are written out, so that no headers have to be installed. Link with
// `-z nodelete`: the loader unloads a layer with its instance, and the counts would begin anew.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*GetProcAddr)(void *object, const char *name);

enum { SUCCESS = 0, OUT_OF_DEVICE_MEMORY = -2, INITIALIZATION_FAILED = -3, DEVICE_LOST = -4, MEMORY_MAP_FAILED = -5 };

typedef struct Link {
  struct Link *next;
  GetProcAddr get_instance_proc_addr;
  GetProcAddr get_device_proc_addr; // of an instance's link: another function, not used here
} Link;

// VkLayerInstanceCreateInfo and VkLayerDeviceCreateInfo, which differ in their type only.
typedef struct ChainInfo {
  int32_t type;
  struct ChainInfo *next;
  int32_t function;
  Link *link;
} ChainInfo;

enum { INSTANCE_CHAIN = 47, DEVICE_CHAIN = 48, LINK_INFO = 0 };

typedef struct {
  int32_t type;
  ChainInfo *next;
} CreateInfo;

typedef struct {
  int32_t type;
  void *next;
  uint32_t version;
  GetProcAddr get_instance_proc_addr, get_device_proc_addr, get_physical_device_proc_addr;
} Negotiation;

enum Kind { DEVICE, SUBMIT, WAIT, MEMORY, BUFFER, PIPELINE, MAP, KINDS };
static const char *const names[KINDS] = {"device", "submit", "wait", "memory", "buffer", "pipeline", "map"};
static long calls[KINDS];
static enum Kind fault = KINDS;
static long fault_at;
static int fault_stays;

static void write_counts(void) {
  const char *path = getenv("AF2_FAULT_COUNTS");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  for (int kind = 0; kind < KINDS; kind++) fprintf(file, "%s %ld\n", names[kind], calls[kind]);
  fclose(file);
}

__attribute__((constructor)) static void read_fault(void) {
  const char *text = getenv("AF2_FAULT"), *colon = text ? strchr(text, ':') : NULL;
  for (int kind = 0; colon && kind < KINDS; kind++) {
    if (strlen(names[kind]) != (size_t)(colon - text) || strncmp(text, names[kind], colon - text)) continue;
    char *end;
    fault = kind;
    fault_at = strtol(colon + 1, &end, 10);
    fault_stays = *end == '+';
  }
  atexit(write_counts);
}

static int fails(enum Kind kind) {
  long call = ++calls[kind];
  return kind == fault && (fault_stays ? call >= fault_at : call == fault_at);
}

// Every handle of a device begins with the same pointer, the loader's dispatch table.
typedef struct {
  void *table, *handle;
  GetProcAddr get_proc_addr;
  int lost;
} Device;

static Device devices[64];
static int device_count;
static void *instance;
static GetProcAddr next_instance_proc_addr;

static Device *device_of(void *handle) {
  for (int i = device_count; i-- > 0;) // the newest first: tables are reused
    if (devices[i].table == *(void **)handle) return &devices[i];
  abort();
}

static Function next_of(Device *device, const char *name) { return device->get_proc_addr(device->handle, name); }
#define NEXT(device, name, ...) ((int32_t(*)(__VA_ARGS__))next_of(device, name))

static int loses(Device *device, enum Kind kind) { return device->lost = fails(kind) || device->lost; }

static int32_t queue_submit(void *queue, uint32_t count, const void *submits, uint64_t fence) {
  Device *device = device_of(queue);
  if (loses(device, SUBMIT)) return DEVICE_LOST;
  return NEXT(device, "vkQueueSubmit", void *, uint32_t, const void *, uint64_t)(queue, count, submits, fence);
}

static int32_t wait_for_fences(void *handle, uint32_t count, const void *fences, uint32_t all, uint64_t timeout) {
  Device *device = device_of(handle);
  if (loses(device, WAIT)) return DEVICE_LOST;
  return NEXT(device, "vkWaitForFences", void *, uint32_t, const void *, uint32_t, uint64_t)(handle, count, fences, all, timeout);
}

static int32_t wait_semaphores(void *handle, const void *info, uint64_t timeout) {
  Device *device = device_of(handle);
  if (loses(device, WAIT)) return DEVICE_LOST;
  return NEXT(device, "vkWaitSemaphores", void *, const void *, uint64_t)(handle, info, timeout);
}

static int32_t get_semaphore_value(void *handle, uint64_t semaphore, uint64_t *value) {
  Device *device = device_of(handle);
  if (loses(device, WAIT)) return DEVICE_LOST;
  return NEXT(device, "vkGetSemaphoreCounterValue", void *, uint64_t, uint64_t *)(handle, semaphore, value);
}

static int32_t allocate_memory(void *handle, const void *info, const void *allocator, uint64_t *memory) {
  if (fails(MEMORY)) return OUT_OF_DEVICE_MEMORY;
  return NEXT(device_of(handle), "vkAllocateMemory", void *, const void *, const void *, uint64_t *)(handle, info, allocator, memory);
}

static int32_t create_buffer(void *handle, const void *info, const void *allocator, uint64_t *buffer) {
  if (fails(BUFFER)) return OUT_OF_DEVICE_MEMORY;
  return NEXT(device_of(handle), "vkCreateBuffer", void *, const void *, const void *, uint64_t *)(handle, info, allocator, buffer);
}

static int32_t create_pipelines(void *handle, uint64_t cache, uint32_t count, const void *infos, const void *allocator, uint64_t *pipelines) {
  if (fails(PIPELINE)) return OUT_OF_DEVICE_MEMORY;
  return NEXT(device_of(handle), "vkCreateComputePipelines", void *, uint64_t, uint32_t, const void *, const void *, uint64_t *)(
      handle, cache, count, infos, allocator, pipelines);
}

static int32_t map_memory(void *handle, uint64_t memory, uint64_t offset, uint64_t size, uint32_t flags, void **data) {
  if (fails(MAP)) return MEMORY_MAP_FAILED;
  return NEXT(device_of(handle), "vkMapMemory", void *, uint64_t, uint64_t, uint64_t, uint32_t, void **)(handle, memory, offset, size, flags, data);
}

static Link *take_link(const CreateInfo *info, int32_t type) {
  ChainInfo *chain = info->next;
  while (chain->type != type || chain->function != LINK_INFO) chain = chain->next;
  Link *link = chain->link;
  chain->link = link->next;
  return link;
}

static int32_t create_instance(const CreateInfo *info, const void *allocator, void **made) {
  next_instance_proc_addr = take_link(info, INSTANCE_CHAIN)->get_instance_proc_addr;
  Function create = next_instance_proc_addr(NULL, "vkCreateInstance");
  int32_t result = ((int32_t(*)(const void *, const void *, void **))create)(info, allocator, made);
  instance = *made;
  return result;
}

static int32_t create_device(void *adapter, const CreateInfo *info, const void *allocator, void **made) {
  Link *link = take_link(info, DEVICE_CHAIN);
  if (fails(DEVICE)) return INITIALIZATION_FAILED;
  Function create = link->get_instance_proc_addr(instance, "vkCreateDevice");
  int32_t result = ((int32_t(*)(void *, const void *, const void *, void **))create)(adapter, info, allocator, made);
  if (result == SUCCESS && device_count < 64) devices[device_count++] = (Device){*(void **)*made, *made, link->get_device_proc_addr, 0};
  return result;
}

static Function get_device_proc_addr(void *device, const char *name);

static Function replaced(const char *name) {
  static const struct { const char *name; Function function; } table[] = {
      {"vkCreateInstance", (Function)create_instance},
      {"vkCreateDevice", (Function)create_device},
      {"vkGetDeviceProcAddr", (Function)get_device_proc_addr},
      {"vkQueueSubmit", (Function)queue_submit},
      {"vkWaitForFences", (Function)wait_for_fences},
      {"vkWaitSemaphores", (Function)wait_semaphores},
      {"vkGetSemaphoreCounterValue", (Function)get_semaphore_value},
      {"vkAllocateMemory", (Function)allocate_memory},
      {"vkCreateBuffer", (Function)create_buffer},
      {"vkCreateComputePipelines", (Function)create_pipelines},
      {"vkMapMemory", (Function)map_memory},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strcmp(name, table[i].name)) return table[i].function;
  return NULL;
}

static Function get_device_proc_addr(void *device, const char *name) {
  Function function = replaced(name);
  return function ? function : device_of(device)->get_proc_addr(device, name);
}

static Function get_instance_proc_addr(void *object, const char *name) {
  if (!strcmp(name, "vkGetInstanceProcAddr")) return (Function)get_instance_proc_addr;
  Function function = replaced(name);
  if (function || !next_instance_proc_addr) return function;
  return next_instance_proc_addr(object, name);
}

__attribute__((visibility("default"))) int32_t vkNegotiateLoaderLayerInterfaceVersion(Negotiation *negotiation) {
  negotiation->version = 2;
  negotiation->get_instance_proc_addr = get_instance_proc_addr;
  negotiation->get_device_proc_addr = get_device_proc_addr;
  negotiation->get_physical_device_proc_addr = NULL;
  return SUCCESS;
}
