package dev.culebra.checkpoint;

import static dev.culebra.checkpoint.Safetensors.damaged;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The JSON header of a safetensors file, checked against the size of the data after it.
 *
 * @param entries by the names of the tensors, in the order of the header
 * @param metadata what programs record about the file
 */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {
  static final String METADATA = "__metadata__";

  private static final int MAX_DEPTH = 10;
  private static final int SHOWN_CHARACTERS = 100;

  static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** Element size in bytes of each dtype of the format. */
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

  /**
   * The header's entry of a tensor.
   *
   * @param typeAndShape such as {@code F32 (2, 3)}, with the format's name of the dtype
   * @param dtype the format's name
   * @param dims its dimensions
   * @param begin first byte in the data
   * @param end the end, after its last byte
   */
  record Entry(String typeAndShape, String dtype, List<Integer> dims, long begin, long end) {}

  /**
   * @param header the bytes of the header
   * @param dataBytes number of bytes that follow
   */
  static SafetensorsHeader parse(Path file, byte[] header, long dataBytes)
      throws CheckpointException {
    JsonNode json = json(file, header);
    if (!json.isObject()) {
      throw damaged(file, "its header is not a JSON object");
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (field.getKey().equals(METADATA)) {
        addMetadata(file, metadata, field.getValue());
      } else {
        entries.put(field.getKey(), entry(file, field.getKey(), field.getValue()));
      }
    }
    requireContiguous(file, entries, dataBytes);
    return new SafetensorsHeader(
        Collections.unmodifiableMap(entries), Collections.unmodifiableMap(metadata));
  }

  private static JsonNode json(Path file, byte[] header) throws CheckpointException {
    try {
      // Our own strict decoder: Jackson would also accept UTF-16 and UTF-32.
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header));
      return JSON.readTree(text.toString());
    } catch (CharacterCodingException e) {
      throw new CheckpointException("%s is damaged: its header is not UTF-8".formatted(file), e);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw new CheckpointException(
          "%s is damaged: its header is not valid JSON%s"
              .formatted(file, at == null ? "" : " at character " + at.getCharOffset()),
          e);
    }
  }

  private static void addMetadata(Path file, Map<String, String> metadata, JsonNode json)
      throws CheckpointException {
    if (!json.isObject()) {
      throw damaged(file, "its metadata is not a JSON object");
    }
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (!field.getValue().isTextual()) {
        throw damaged(file, "metadata \"%s\" is not a text".formatted(shown(field.getKey())));
      }
      metadata.put(field.getKey(), field.getValue().textValue());
    }
  }

  private static Entry entry(Path file, String name, JsonNode json) throws CheckpointException {
    JsonNode dtype = json.path("dtype");
    JsonNode offsets = json.path("data_offsets");
    int[] dims = dims(json.path("shape"));
    if (!dtype.isTextual() || dims == null || !offsetsAreWhole(offsets)) {
      throw damaged(
          file, "the dtype, shape or offsets of tensor %s are invalid".formatted(shown(name)));
    }
    long begin = offsets.get(0).longValue();
    long end = offsets.get(1).longValue();
    String typeAndShape = shown(dtype.textValue()) + " " + text(dims);
    if (begin < 0 || end < begin || !isSize(dtype.textValue(), dims, end - begin)) {
      throw damaged(
          file,
          "tensor %s, %s, cannot be at bytes %d to %d"
              .formatted(shown(name), typeAndShape, begin, end));
    }
    List<Integer> shape = Arrays.stream(dims).boxed().toList();
    return new Entry(typeAndShape, dtype.textValue(), shape, begin, end);
  }

  /** The dimensions, or null if they are invalid. */
  private static int[] dims(JsonNode shape) {
    if (!shape.isArray()) {
      return null;
    }
    int[] dims = new int[shape.size()];
    for (int i = 0; i < dims.length; i++) {
      JsonNode dim = shape.get(i);
      if (!dim.isIntegralNumber() || !dim.canConvertToInt() || dim.intValue() < 0) {
        return null;
      }
      dims[i] = dim.intValue();
    }
    return dims;
  }

  /**
   * Whether a tensor has this size. A dtype that this class does not know may have any size, so
   * that the other tensors of its file can be read.
   */
  private static boolean isSize(String dtype, int[] dims, long bytes) {
    Integer elementBytes = DTYPE_BYTES.get(dtype);
    if (elementBytes == null) {
      return true;
    }
    long size = elementBytes;
    for (int dim : dims) {
      if (dim != 0 && size > Long.MAX_VALUE / dim) {
        return false;
      }
      size *= dim;
    }
    return size == bytes;
  }

  private static boolean offsetsAreWhole(JsonNode offsets) {
    return offsets.isArray()
        && offsets.size() == 2
        && offsets.get(0).isIntegralNumber()
        && offsets.get(0).canConvertToLong()
        && offsets.get(1).isIntegralNumber()
        && offsets.get(1).canConvertToLong();
  }

  /** The tensors must cover the data completely and without overlap. */
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
                .formatted(shown(next.getKey()), next.getValue().begin(), at));
      }
      at = next.getValue().end();
    }
    if (at != dataBytes) {
      throw damaged(
          file, "its tensors have %d bytes, but the data has %d".formatted(at, dataBytes));
    }
  }

  /** The format of {@link dev.culebra.tensor.Shape#toString}. */
  private static String text(int[] dims) {
    return Arrays.stream(dims)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "(", ")"));
  }

  /** Text from the file for a message: shortened, on one line, without control characters. */
  private static String shown(String text) {
    String visible = text.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", "?");
    return visible.length() <= SHOWN_CHARACTERS
        ? visible
        : visible.substring(0, SHOWN_CHARACTERS) + "…";
  }
}
