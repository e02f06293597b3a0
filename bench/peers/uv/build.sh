set -eu
for function in producer sink; do
  rm -rf build/$function $function.zip
  uv pip install --quiet --python-version 3.13 --python-platform x86_64-manylinux_2_34 \
    --target build/$function --requirements $function/requirements.txt
  cp $function/*.py build/$function
  (cd build/$function && python3.13 -m zipfile -c ../../$function.zip .)
done
