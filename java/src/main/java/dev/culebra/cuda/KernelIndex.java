package dev.culebra.cuda;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The kernels that were built with this version: what the build wrote beside their PTX. Immutable.
 */
public final class KernelIndex {
  private static final String FOLDER = "/dev/culebra/kernels/";

  /** The type of a kernel's parameter, called as in PTX; addresses are {@link #U64}. */
  enum ParameterType {
    U32,
    U64,
    F32,
    F64;

    static ParameterType of(String name) {
      return valueOf(name.toUpperCase(java.util.Locale.ROOT));
    }
  }

  /**
   * A kernel.
   *
   * @param module the PTX file it is in, without the ending
   * @param parameters its parameters in order
   */
  record Entry(String module, List<ParameterType> parameters) {}

  private final Map<String, Entry> entries;
  private final String sources;
  private final String ptxVersion;

  private KernelIndex(Map<String, Entry> entries, String sources, String ptxVersion) {
    this.entries = Map.copyOf(entries);
    this.ptxVersion = ptxVersion;
    this.sources = sources;
  }

  /**
   * The index in the library's jar.
   *
   * @throws CudaUnavailableException if the kernels were left out, with the reason
   */
  public static KernelIndex load() {
    JsonNode json = read();
    if (json.has("problem")) {
      throw new CudaUnavailableException(json.get("problem").asText());
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.get("entries").properties()) {
      List<ParameterType> parameters = new ArrayList<>();
      entry
          .getValue()
          .get("parameters")
          .forEach(type -> parameters.add(ParameterType.of(type.asText())));
      String module = entry.getValue().get("module").asText();
      entries.put(entry.getKey(), new Entry(module, List.copyOf(parameters)));
    }
    return new KernelIndex(entries, json.get("sources").asText(), json.get("version").asText());
  }

  private static JsonNode read() {
    try (InputStream in = KernelIndex.class.getResourceAsStream(FOLDER + "index.json")) {
      if (in == null) {
        throw new CudaUnavailableException(
            "this build has no GPU kernels: the jar culebra-kernels is not on the class path");
      }
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Hash of the kernels' sources. */
  public String sources() {
    return sources;
  }

  /** Version of the PTX ISA that the kernels are written in. */
  public String ptxVersion() {
    return ptxVersion;
  }

  /** How many kernels there are. */
  public int size() {
    return entries.size();
  }

  Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException("no kernel called " + name);
    }
    return entry;
  }

  /** The PTX of a module. */
  byte[] ptx(String module) {
    try (InputStream in = KernelIndex.class.getResourceAsStream(FOLDER + module + ".ptx")) {
      if (in == null) {
        throw new IllegalStateException("the index names a module that is not there: " + module);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
