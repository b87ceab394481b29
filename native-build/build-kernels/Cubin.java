import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** The machine code that ptxas writes: a 64-bit ELF file with a section for each kernel. */
final class Cubin {
  private static final int MAGIC = 0x464c457f; // "\x7fELF", little endian
  private static final String CODE = ".text.";

  private Cubin() {}

  /**
   * Bytes of machine code of each entry.
   *
   * @throws IOException if the file was not written by ptxas
   */
  static Map<String, Long> codeSizes(Path file) throws IOException {
    ByteBuffer elf = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.limit() < 64 || elf.getInt(0) != MAGIC || elf.get(4) != 2) {
      throw new IOException(file + ": not a 64-bit ELF file");
    }
    // Elf64_Ehdr: e_shoff at 40, e_shentsize at 58, e_shnum at 60, e_shstrndx at 62.
    int headers = Math.toIntExact(elf.getLong(40));
    int each = elf.getShort(58);
    int names = offset(elf, headers + elf.getShort(62) * each);
    Map<String, Long> sizes = new TreeMap<>();
    for (int i = 0; i < Short.toUnsignedInt(elf.getShort(60)); i++) {
      int header = headers + i * each;
      String name = text(elf, names + elf.getInt(header));
      if (name.startsWith(CODE)) {
        sizes.put(name.substring(CODE.length()), elf.getLong(header + 32));
      }
    }
    return sizes;
  }

  /** The location of a section. Elf64_Shdr: sh_name at 0, sh_offset at 24, sh_size at 32. */
  private static int offset(ByteBuffer elf, int header) {
    return Math.toIntExact(elf.getLong(header + 24));
  }

  private static String text(ByteBuffer elf, int from) {
    StringBuilder text = new StringBuilder();
    for (int at = from; elf.get(at) != 0; at++) {
      text.append((char) elf.get(at));
    }
    return text.toString();
  }
}
