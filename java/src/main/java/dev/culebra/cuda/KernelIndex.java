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
 * The kernels built with this version, from the index that the build wrote next to their PTX.
 * Immutable.
 */
public final class KernelIndex {
  private static final String FOLDER = "/dev/culebra/kernels/";

  /** The type of a kernel's parameter, with the name used in PTX; addresses are {@link #U64}. */
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
   * The target that a module was compiled for.
   *
   * @param name in the compiler: {@code compute_80}; {@code compute_90a} for exactly that
   *     capability
   * @param version of the PTX ISA
   * @param driver the CUDA version whose driver supports it: 1000 · major + 10 · minor
   */
  record Target(String name, String version, int driver) {
    private static final String PREFIX = "compute_";

    /** Compute capability: 10 · major + minor. */
    int capability() {
      int end = exactly() ? name.length() - 1 : name.length();
      return Integer.parseInt(name, PREFIX.length(), end, 10);
    }

    /** Whether it is only for that capability, and not for newer ones. */
    boolean exactly() {
      return !Character.isDigit(name.charAt(name.length() - 1));
    }

    /** Whether a GPU of this capability runs it. */
    boolean runsOn(int capability) {
      return exactly() ? capability == capability() : capability >= capability();
    }
  }

  /**
   * A kernel.
   *
   * @param module its PTX file, without the extension
   * @param target the target of the file
   * @param parameters its parameters in order
   */
  record Entry(String module, Target target, List<ParameterType> parameters) {}

  private final Map<String, Entry> entries;
  private final String sources;

  private KernelIndex(Map<String, Entry> entries, String sources) {
    this.entries = Map.copyOf(entries);
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
    Map<String, Target> targets = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> target : json.get("targets").properties()) {
      JsonNode facts = target.getValue();
      String name = target.getKey();
      targets.put(
          name, new Target(name, facts.get("version").asText(), facts.get("driver").asInt()));
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.get("entries").properties()) {
      JsonNode facts = entry.getValue();
      List<ParameterType> parameters = new ArrayList<>();
      facts.get("parameters").forEach(type -> parameters.add(ParameterType.of(type.asText())));
      Target target = targets.get(facts.get("target").asText());
      entries.put(
          entry.getKey(), new Entry(facts.get("module").asText(), target, List.copyOf(parameters)));
    }
    return new KernelIndex(entries, json.get("sources").asText());
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

  /** The number of kernels. */
  public int size() {
    return entries.size();
  }

  boolean has(String name) {
    return entries.containsKey(name);
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
