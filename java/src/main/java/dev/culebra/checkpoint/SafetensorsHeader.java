package dev.culebra.checkpoint;

import static dev.culebra.checkpoint.Safetensors.damaged;

import com.fasterxml.jackson.databind.JsonNode;
import dev.culebra.checkpoint.Safetensors.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The JSON header of a safetensors file, checked against the size of the data behind it. */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {
  /** Bytes of an element of each dtype the format knows. */
  private static final Map<String, Integer> DTYPE_BYTES =
      Map.ofEntries(
          Map.entry("BOOL", 1),
          Map.entry("U8", 1),
          Map.entry("I8", 1),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("I16", 2),
          Map.entry("U16", 2),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("I32", 4),
          Map.entry("U32", 4),
          Map.entry("F32", 4),
          Map.entry("F64", 8),
          Map.entry("I64", 8),
          Map.entry("U64", 8));

  static SafetensorsHeader parse(Path file, JsonNode json, long dataBytes)
      throws CheckpointException {
    if (!json.isObject()) {
      throw damaged(file, "its header is not a JSON object");
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (field.getKey().equals(Safetensors.METADATA)) {
        addMetadata(file, metadata, field.getValue());
      } else {
        entries.put(field.getKey(), entry(file, field.getKey(), field.getValue()));
      }
    }
    requireContiguous(file, entries, dataBytes);
    return new SafetensorsHeader(Safetensors.inOrder(entries), Safetensors.inOrder(metadata));
  }

  private static void addMetadata(Path file, Map<String, String> metadata, JsonNode json)
      throws CheckpointException {
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (!field.getValue().isTextual()) {
        throw damaged(file, "metadata \"%s\" is not a text".formatted(field.getKey()));
      }
      metadata.put(field.getKey(), field.getValue().textValue());
    }
    if (!json.isObject()) {
      throw damaged(file, "its metadata is not a JSON object");
    }
  }

  private static Entry entry(Path file, String name, JsonNode json) throws CheckpointException {
    String dtype = json.path("dtype").asText();
    Integer elementBytes = DTYPE_BYTES.get(dtype);
    if (elementBytes == null) {
      throw damaged(file, "tensor %s has dtype \"%s\"".formatted(name, dtype));
    }
    JsonNode shape = json.path("shape");
    JsonNode offsets = json.path("data_offsets");
    boolean sound =
        shape.isArray() && offsets.isArray() && offsets.size() == 2 && offsetsAreWhole(offsets);
    int[] dims = new int[shape.size()];
    long bytes = elementBytes;
    for (int i = 0; sound && i < dims.length; i++) {
      JsonNode dim = shape.get(i);
      sound = dim.isIntegralNumber() && dim.canConvertToInt() && dim.intValue() >= 0;
      dims[i] = sound ? dim.intValue() : 0;
      sound &= dims[i] == 0 || bytes <= Long.MAX_VALUE / dims[i];
      bytes *= dims[i];
    }
    if (!sound) {
      throw damaged(file, "the shape or place of tensor %s makes no sense".formatted(name));
    }
    long begin = offsets.get(0).longValue();
    long end = offsets.get(1).longValue();
    if (begin < 0 || end < begin || end - begin != bytes) {
      throw damaged(
          file,
          "tensor %s, %s %s, cannot be at bytes %d to %d"
              .formatted(name, dtype, text(dims), begin, end));
    }
    return new Entry(dtype, dims, begin, end);
  }

  private static boolean offsetsAreWhole(JsonNode offsets) {
    return offsets.get(0).isIntegralNumber()
        && offsets.get(0).canConvertToLong()
        && offsets.get(1).isIntegralNumber()
        && offsets.get(1).canConvertToLong();
  }

  /** The tensors must cover the data from its first to its last byte without overlap. */
  private static void requireContiguous(Path file, Map<String, Entry> entries, long dataBytes)
      throws CheckpointException {
    List<Map.Entry<String, Entry>> sorted = new ArrayList<>(entries.entrySet());
    sorted.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long at = 0;
    for (Map.Entry<String, Entry> next : sorted) {
      if (next.getValue().begin() != at) {
        throw damaged(
            file,
            "tensor %s begins at byte %d of the data instead of %d"
                .formatted(next.getKey(), next.getValue().begin(), at));
      }
      at = next.getValue().end();
    }
    if (at != dataBytes) {
      throw damaged(
          file, "its tensors are %d bytes, but %d bytes are there".formatted(at, dataBytes));
    }
  }

  /** As {@link dev.culebra.tensor.Shape#toString} writes it. */
  static String text(int[] dims) {
    return Arrays.stream(dims)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
