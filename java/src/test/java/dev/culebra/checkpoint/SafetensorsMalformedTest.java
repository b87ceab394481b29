package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Malformed files: each gives a CheckpointException of one line, and no memory of a claimed size is
 * allocated.
 */
class SafetensorsMalformedTest {
  private static final byte[] EMPTY_OBJECT = "{}".getBytes(StandardCharsets.UTF_8);
  private static final String SOUND =
      "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void tooShortForALength(int bytes) throws IOException {
    assertDamaged(new byte[bytes], bytes + " bytes are too few for a header");
  }

  @ParameterizedTest
  @CsvSource({
    "3, 3",
    "9223372036854775807, 9223372036854775807",
    "-1, 18446744073709551615",
    "-9223372036854775808, 9223372036854775808"
  })
  void aHeaderLongerThanTheFile(long length, String shown) throws IOException {
    assertDamaged(
        ForeignFile.withLength(length, EMPTY_OBJECT),
        "its header claims %s bytes of a file of 10".formatted(shown));
  }

  @Test
  void aHeaderAboveTheFormatsLimitIsNotRead() throws IOException {
    int length = 150 << 20;
    write(ForeignFile.withLength(length, EMPTY_OBJECT));
    try (RandomAccessFile sparse = new RandomAccessFile(path().toFile(), "rw")) {
      sparse.setLength(Long.BYTES + length);
    }
    assertDamaged("its header claims 157286400 bytes, but at most 104857600 are allowed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          ``                       | its header is not a JSON object
          `   `                    | its header is not a JSON object
          null                     | its header is not a JSON object
          []                       | its header is not a JSON object
          "text"                   | its header is not a JSON object
          {"__metadata__":[]}      | its metadata is not a JSON object
          {"__metadata__":null}    | its metadata is not a JSON object
          {"__metadata__":"pt"}    | its metadata is not a JSON object
          {"__metadata__":{"a":1}} | metadata "a" is not a text
          {"__metadata__":{"a":{}}}| metadata "a" is not a text
          """)
  void malformedHeaders(String header, String reason) throws IOException {
    assertDamaged(ForeignFile.of(header), reason);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{'a':",
        "{}{}",
        "{} x",
        "{a:{}}",
        "{'a':NaN}",
        "{'a':[],'a':[]}",
        "{'__metadata__':{},'__metadata__':{}}",
        "{'__metadata__':{'a':'1','a':'2'}}"
      })
  void headersThatAreNotJson(String header) throws IOException {
    assertNotJson(header.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theFirstInvalidCharacterIsNamed() throws IOException {
    assertDamaged(ForeignFile.of("{\"w\":}"), "its header is not valid JSON at character 5");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"w\":"})
  void deepNesting(String level) throws IOException {
    assertNotJson(("{\"w\":" + level.repeat(100_000)).getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void otherEncodings() throws IOException {
    assertNotJson(SOUND.getBytes(StandardCharsets.UTF_16LE));
    assertNotJson(SOUND.getBytes(StandardCharsets.UTF_16BE));
    assertNotJson(SOUND.getBytes(StandardCharsets.UTF_32LE));
    byte[] latin = "{\"__metadata__\":{\"a\":\"é\"}}".getBytes(StandardCharsets.ISO_8859_1);
    assertDamaged(ForeignFile.of(latin), "its header is not UTF-8");
  }

  private void assertNotJson(byte[] header) throws IOException {
    write(ForeignFile.of(header));
    assertThatThrownBy(() -> Safetensors.open(path()))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageMatching(
            Pattern.quote(path() + " is damaged: its header is not valid JSON")
                + "( at character \\d+)?");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "7",
        "null",
        "[]",
        "{}",
        "{'dtype':'F32','shape':[2]}",
        "{'dtype':'F32','data_offsets':[0,8]}",
        "{'shape':[2],'data_offsets':[0,8]}",
        "{'dtype':null,'shape':[2],'data_offsets':[0,8]}",
        "{'dtype':4,'shape':[2],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':2,'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':{'a':2},'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':['2'],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':[2e0],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':[[2]],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':[99999999999999999999999],'data_offsets':[0,8]}",
        "{'dtype':'F32','shape':[2],'data_offsets':8}",
        "{'dtype':'F32','shape':[2],'data_offsets':[8]}",
        "{'dtype':'F32','shape':[2],'data_offsets':[0,4,8]}",
        "{'dtype':'F32','shape':[2],'data_offsets':[0,'8']}",
        "{'dtype':'F32','shape':[2],'data_offsets':[0.0,8]}",
        "{'dtype':'F32','shape':[2],'data_offsets':[0,99999999999999999999999]}",
        "{'dtype':'F32','shape':[2],'data_offsets':{'begin':0,'end':8}}"
      })
  void tensorsOfWrongTypes(String tensor) throws IOException {
    assertDamaged(
        ForeignFile.of("{\"w\":" + tensor.replace('\'', '"') + "}", new byte[8]),
        "the dtype, shape or offsets of tensor w are invalid");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          F32  | [2]       | [0,4]
          F32  | [2]       | [0,12]
          F32  | [2]       | [8,0]
          F32  | [2]       | [-8,0]
          F32  | [2]       | [-9223372036854775808,9223372036854775807]
          F32  | [2]       | [9223372036854775800,-9223372036854775808]
          F32  | []        | [0,8]
          F32  | [2,0]     | [0,8]
          BF16 | [2]       | [0,8]
          I64  | [2]       | [0,8]
          F32  | [2147483647,2147483647,2147483647] | [0,8]
          F32  | [65536,65536,65536,65536]          | [0,0]
          F32  | [1073741824,1073741824,4,2]        | [0,8]
          U99  | [2]       | [8,0]
          """)
  void tensorsWithWrongOffsets(String dtype, String shape, String offsets) throws IOException {
    String header =
        "{\"w\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
            .formatted(dtype, shape, offsets);
    String dims = shape.replace("[", "(").replace(",", ", ").replace("]", ")");
    String place = offsets.replaceAll("[\\[\\]]", "").replace(",", " to ");
    assertDamaged(
        ForeignFile.of(header, new byte[8]),
        "tensor w, %s %s, cannot be at bytes %s".formatted(dtype, dims, place));
  }

  @Test
  void overlapsAndHoles() throws IOException {
    assertDamaged(twoTensors(0, 8, 4, 12), "tensor b begins at byte 4 of the data instead of 8");
    assertDamaged(twoTensors(0, 8, 0, 8), "tensor b begins at byte 0 of the data instead of 8");
    assertDamaged(twoTensors(0, 8, 9, 17), "tensor b begins at byte 9 of the data instead of 8");
    assertDamaged(twoTensors(4, 12, 12, 20), "tensor a begins at byte 4 of the data instead of 0");
    assertDamaged(twoTensors(8, 16, 4, 12), "tensor b begins at byte 4 of the data instead of 0");
  }

  private static byte[] twoTensors(int beginA, int endA, int beginB, int endB) {
    String header =
        """
        {"a":{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]},
         "b":{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]}}"""
            .formatted(beginA, endA, beginB, endB);
    return ForeignFile.of(header, new byte[20]);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 7, 9, 16})
  void truncatedOrExcessData(int bytes) throws IOException {
    assertDamaged(
        ForeignFile.of(SOUND, new byte[bytes]),
        "its tensors have 8 bytes, but the data has %d".formatted(bytes));
  }

  @Test
  void textFromTheFileStaysOnOneShortLine() throws IOException {
    String name = "a\\n\\u001b[31m\\u2028" + "x".repeat(1000);
    assertDamaged(
        ForeignFile.of("{\"" + name + "\":1}"),
        "the dtype, shape or offsets of tensor a??[31m?%s… are invalid".formatted("x".repeat(92)));
    assertDamaged(ForeignFile.of("{\"__metadata__\":{\"\\n\":1}}"), "metadata \"?\" is not a text");
    assertDamaged(
        ForeignFile.of("{\"w\":{\"dtype\":\"F\\n\",\"shape\":[],\"data_offsets\":[4,0]}}"),
        "tensor w, F? (), cannot be at bytes 4 to 0");
  }

  @Test
  void claimedSizesAreNotAllocated() throws IOException {
    byte[] header =
        "{\"w\":{\"dtype\":\"I8\",\"shape\":[2147483647],\"data_offsets\":[0,2147483647]}}"
            .getBytes(StandardCharsets.UTF_8);
    write(ForeignFile.withLength(90 << 20, header));
    assertThat(allocatedByOpening()).isLessThan(1 << 20);
    write(ForeignFile.of(header));
    assertThat(allocatedByOpening()).isLessThan(1 << 20);
  }

  private long allocatedByOpening() {
    ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = thread.getCurrentThreadAllocatedBytes();
    assertThatThrownBy(() -> Safetensors.open(path())).isInstanceOf(CheckpointException.class);
    return thread.getCurrentThreadAllocatedBytes() - before;
  }

  private void assertDamaged(byte[] content, String reason) throws IOException {
    write(content);
    assertDamaged(reason);
  }

  private void assertDamaged(String reason) {
    assertThatThrownBy(() -> Safetensors.open(path()))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage("%s is damaged: %s", path(), reason);
  }

  private void write(byte[] content) throws IOException {
    Files.write(path(), content);
  }

  private Path path() {
    return folder.resolve("bad.safetensors");
  }
}
